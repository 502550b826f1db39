"""The options that vendors' libraries for NPUs read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# The names that LiteRT 2.3.0 reads (litert/c/options/litert_*_options.cc); what is not there its readers pass over in
# silence. A pattern has a range of numbers where only these mean something.
_INTEL = {
    r"performance_mode": range(3),  # latency, throughput, cumulative throughput
    r"graph\.(-1|\d+)\.graph_backend": range(3),  # CPU, GPU, NPU; -1 stands for all graphs
    r"configs_map\.\w+": None,
    r"graph\.\d+\.configs_map\.\w+": None,
}
_QUALCOMM = (
    "custom_op_package dlc_dir dsp_perf_ctrl_mode dsp_performance_mode dump_tensor_ids enable_just_in_time "
    "enable_weight_sharing graph_io_tensor_mem_type graph_priority graph_transform htp_p_point htp_perf_ctrl_mode "
    "htp_performance_mode ir_json_dir log_level lpai_client_perf_type lpai_core_affinity_type lpai_core_selection "
    "lpai_fps lpai_ftrt_ratio lpai_target num_hvx_threads optimization_level profiling qnn_backend saver_output_dir "
    "schematic_dir use_conv_hmx use_fold_relu use_htp_preference use_int64_bias_as_int32 use_qint16_as_quint16 "
    "vtcm_size"
)
_MEDIATEK = (
    "aot_compilation_options disable_dla_dir_removal gemma_compiler_optimizations l1_cache_optimizations "
    "mediatek_dla_dir neron_sdk_version optimization_hint performance_mode"
)
_GOOGLE_TENSOR = (
    "dump_op_timings enable_dynamic_range_quantization enable_four_bit_compilation enable_large_model_support "
    "extra_options extra_options_path float_truncation_type int64_to_int32_truncation op_filters_proto output_dir "
    "performance_mode sharding_intensity"
)
_OPTIONS: dict[str, dict[str, range | None]] = {
    "google_tensor": dict.fromkeys(_GOOGLE_TENSOR.split()),
    "intel_openvino": _INTEL,
    "mediatek": dict.fromkeys(_MEDIATEK.split()),
    "qualcomm": dict.fromkeys(_QUALCOMM.split()),
    "samsung": dict.fromkeys(["enable_large_model_support", "samsung_soc_model"]),
}

OptionValue = str | int | float | bool


def checked_options(vendor: str, options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """The options, when the vendor's libraries can take them; those of an unknown vendor are only checked for form.

    Raises:
        TypeError: a name is no text, or a value no text, number or bool.
        ValueError: the vendor has no such option, or the value is not one of the option's, or can't be passed on.
    """
    checked: dict[str, OptionValue] = {}
    pairs: Iterable[tuple[Any, Any]] = options.items()
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, OptionValue):
            raise TypeError(f"the option {name!r} is {value!r}; names must be str, and values str, int, float or bool")
        _require_known(vendor, name, value)
        if isinstance(value, str) and (not value.isprintable() or '"' in value or "\\" in value):
            raise ValueError(f"the option {name} is {value!r}, and must be without quotes, backslashes and line breaks")
        checked[name] = value
    return checked


def payload_value(value: OptionValue) -> str:
    """The value as the vendors' readers take it, which is TOML's form."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _require_known(vendor: str, name: str, value: OptionValue) -> None:
    if vendor not in _OPTIONS:
        if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
            raise ValueError(f"the option {name!r} must be a name of letters, digits, '_', '-' and '.'")
        return
    for pattern, numbers in _OPTIONS[vendor].items():
        if not re.fullmatch(pattern, name, re.ASCII):
            continue
        if numbers is not None and (isinstance(value, bool) or value not in numbers):
            raise ValueError(f"the option {name} is {value!r}, and must be from {numbers.start} to {numbers[-1]}")
        return
    names = ", ".join(
        pattern.replace("\\", "").replace("d+", "N").replace("w+", "NAME") for pattern in _OPTIONS[vendor]
    )
    raise ValueError(f"{vendor} has no option {name!r}; there are {names}")
