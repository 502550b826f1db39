// Names by which the runtime can tell a graph's inputs apart.
//
// It finds the input that it is to resize by its name, and of inputs that share one the first, whichever is meant
// (LiteRT 2.3.0). So all but the first get another name of the same length in our copy of the bytes. What zerolite
// shows of a model stays as the file has it.
#pragma once

#include "zerolite/model/model_bytes.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

// The interface is that of the bytes, and learns of the names. Inputs whose name is one string of the file keep it.
void make_input_names_distinct(ModelBytes& bytes, ModelInterface& interface);

}  // namespace zerolite
