"""NPUs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zerolite import _native
from zerolite.delegates.delegate import Delegate

# The names that LiteRT 2.3.0 reads (litert/c/options/litert_*_options.cc). It ignores all others without a word, so
# they are refused here. A pattern has a range of numbers where only these mean something.
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
    """The options, after a check that the vendor has them; those of an unknown vendor are only checked for their form.

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


_DISPATCH = "libLiteRtDispatch*.so"
_COMPILER = "libLiteRtCompilerPlugin*.so"
_VENDORS = ("google_tensor", "intel_openvino", "mediatek", "qualcomm", "samsung")
_Directory = str | os.PathLike[str]


class Npu(Delegate):
    """An NPU, through the libraries that its vendor made for LiteRT.

    There are two: a compiler's plug-in, which compiles what it knows of a model for the NPU, and a dispatch library,
    which runs it. The package ai-edge-litert has some of them, which are found without being told; they need libraries
    that the vendor brings. A model that was compiled before runs with the dispatch library alone.

    The model is compiled before any other delegate sees it, so an NPU comes first in a list of delegates. Where there
    is no NPU, or it fails with a model, the model runs on the CPU, and `delegation.unused` has the reason; with
    ``fallback=False`` that is a `DelegateError`. A directory that is named and has no such library always is one.

    The runtime starts one dispatch library for a process and passes it options once (LiteRT 2.3.0), so models of one
    process share both: another library, or other options, are refused by name as if there were no NPU.

    Attributes:
        vendor: whose libraries: "google_tensor", "intel_openvino", "mediatek", "qualcomm" or "samsung", or any other
            name under which the libraries in the directories look for their options. None, the default, is the one
            that the package has a dispatch library of.
        dispatch_dir: where the dispatch library is (``libLiteRtDispatch*.so``); None, the default, is the package.
        compiler_dir: where the compiler's plug-in is (``libLiteRtCompilerPlugin*.so``); None, the default, is the
            package, or nowhere for a vendor that it does not have.
        options: what the vendor's libraries are told, by name: text, numbers or bools. For the vendors of the package
            the names are checked against those that LiteRT 2.3.0 reads.
        cache: a directory for compiled models, so that later loads need not compile again; None, the default, keeps
            nothing. The directory is made when it is missing, and its files have checksums: one that is damaged
            or belongs to something else is replaced. Where it can't be read or written, or another user may put
            files into it, `load` raises OSError.
    """

    __slots__ = ("cache", "compiler_dir", "dispatch_dir", "options", "vendor")

    def __init__(
        self,
        *,
        vendor: str | None = None,
        dispatch_dir: _Directory | None = None,
        compiler_dir: _Directory | None = None,
        options: Mapping[str, OptionValue] | None = None,
        cache: _Directory | None = None,
    ) -> None:
        """Choose the settings; the libraries are opened when a model is loaded.

        Raises:
            TypeError: a directory is no path, or the vendor or an option's name is no text, or an option's value
                neither text nor a number or bool.
            ValueError: the vendor is unknown and no directory has its libraries; it has no such option, or not with
                that value; or a text is empty or can't be passed on.
        """
        self.dispatch_dir = _directory("dispatch_dir", dispatch_dir)
        self.compiler_dir = _directory("compiler_dir", compiler_dir)
        self.cache = _directory("cache", cache)
        self.vendor = _vendor(vendor, has_directory=dispatch_dir is not None)
        self.options = checked_options(self.vendor, options or {})

    @property
    def native_settings(self) -> _native.NpuSettings:
        """The settings as the native core takes them, with the libraries that are in the directories.

        Raises:
            DelegateError: a directory that was named has no such library, or several.
        """
        package = _packaged() / self.vendor
        return _native.NpuSettings(
            dispatch_library=_library("dispatch_dir", self.dispatch_dir, package / "dispatch", _DISPATCH),
            compiler_library=_library("compiler_dir", self.compiler_dir, package / "compiler", _COMPILER),
            vendor=self.vendor,
            options=self.options,
            cache=self.cache or "",
        )

    def __eq__(self, other: object) -> bool:
        """Whether all settings are the same."""
        if not isinstance(other, Npu):
            return NotImplemented
        return self.arguments == other.arguments

    def __hash__(self) -> int:
        """Equal delegates have equal hashes."""
        return hash((self.vendor, self.dispatch_dir, self.compiler_dir, self.cache, *sorted(self.options)))

    def __repr__(self) -> str:
        """The settings that were chosen."""
        return f"Npu({', '.join(f'{name}={value!r}' for name, value in self.arguments.items() if value)})"

    @property
    def arguments(self) -> dict[str, object]:
        """The settings by name."""
        return {name: getattr(self, name) for name in ("vendor", "dispatch_dir", "compiler_dir", "options", "cache")}


def _packaged() -> Path:
    return Path(_native.runtime_path()).parent / "vendors"


def _vendor(vendor: str | None, *, has_directory: bool) -> str:
    if vendor is None:
        if has_directory:
            raise ValueError("dispatch_dir has a vendor's library, so vendor must name the vendor")
        found = sorted(path.parent.parent.name for path in _packaged().glob(f"*/dispatch/{_DISPATCH}"))
        return found[0] if found else "intel_openvino"
    if not isinstance(vendor, str):
        raise TypeError(f"vendor is {vendor!r}, and must be a str")
    if not vendor.isidentifier():
        raise ValueError(f"vendor is {vendor!r}, and must be a name of letters, digits and '_'")
    if vendor not in _VENDORS and not has_directory:
        known = ", ".join(map(repr, _VENDORS))
        raise ValueError(f"vendor is {vendor!r}, and must be one of {known}, or come with a dispatch_dir")
    return vendor


def _directory(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {value!r}, and must be a path")
    path = os.fspath(value)
    if not isinstance(path, str):
        raise TypeError(f"{name} is {value!r}, and must be a path of text")
    if not path or "\0" in path:
        raise ValueError(f"{name} is {path!r}, and must be the path of a directory")
    return str(Path(path).absolute())


def _library(name: str, directory: str | None, packaged: Path, pattern: str) -> str:
    """The one library in a directory or below, where the runtime looks, too; empty for a package without."""
    found = sorted((packaged if directory is None else Path(directory)).rglob(pattern))
    if len(found) == 1:
        return str(found[0])
    if directory is None:
        return ""
    if not found:
        raise _native.DelegateError(
            f"{name} is {directory}, which has no {pattern}; pass the directory of the vendor's library, or leave it "
            "out for those that ai-edge-litert brings"
        )
    names = ", ".join(str(path) for path in found)
    raise _native.DelegateError(f"{name} is {directory}, which has several of {pattern} ({names}); pass that of one")
