// Giving up, for good, what a process needs no more once everything is loaded.
#pragma once

namespace zerolite {

// From here on all threads of this process, and whatever it might still become, can compute, use the memory and the
// descriptors that they have, and end. They open no file, make no socket, start no process and no program, send no
// signal to others and look into nobody else. What they try is refused with EPERM; nothing is ended for it.
//
// Throws Error where the system has no such means. There is no way back.
void confine_process();

}  // namespace zerolite
