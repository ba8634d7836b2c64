"""The options of atc: one table, and the command line syntax that CANN's atc accepts."""

from __future__ import annotations

import difflib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import AtcError, invalid_value

BOOL = ("true", "false")
BIT = ("0", "1")
PORTS = "Inputs and outputs"


@dataclass(frozen=True)
class Option:
    """One row of the table.

    Attributes
    ----------
    name : str
        Without dashes.
    value : str
        Placeholder in the help.
    help : str
        One line.
    group : str
        Heading in the help.
    choices : tuple of str
        Accepted values; empty means any text.
    default : str
        Value when the option is absent or empty.
    bare : str or None
        Value when the option is given without one; None means that it needs a value.
    effect : bool
        False: the option steers a real chip only; it is checked, accepted and said to be
        without effect.
    file : bool
        The value is a file that must exist.
    """

    name: str
    value: str
    help: str
    group: str = "Model"
    choices: tuple[str, ...] = ()
    default: str = ""
    bare: str | None = None
    effect: bool = True
    file: bool = False


def _chip(
    name: str,
    value: str,
    text: str,
    choices: tuple[str, ...] = (),
    *,
    bare: str | None = None,
    file: bool = False,
) -> Option:
    """A row for an option that steers a real chip only."""
    return Option(name, value, text, "Without effect here", choices, "", bare, False, file)


OPTIONS = (
    Option("model", "FILE", "model to convert (.onnx)"),
    Option("framework", "N", "framework of the model; 5 = ONNX", choices=("0", "1", "3", "5")),
    Option("output", "PATH", "where to write the offline model; .om is added"),
    Option("soc_version", "NAME", "chip name, such as Ascend310P3"),
    Option(
        "mode",
        "N",
        "0 convert, 1 model to JSON, 3 check only, 6 show what an .om holds",
        choices=("0", "1", "3", "5", "6"),
        default="0",
    ),
    Option("om", "FILE", "model of mode 1 and 6"),
    Option("json", "FILE", "JSON file that mode 1 writes"),
    Option("check_report", "FILE", "report of mode 3", default="check_result.json"),
    Option("weight", "FILE", "weights of a Caffe model (not supported here)"),
    Option("input_shape", '"NAME:D,D;..."', "shapes; -1 with gears, or ranges like 1~10", "Shapes"),
    Option(
        "input_shape_range", '"NAME:[D,D];..."', "old form of ranges in --input_shape", "Shapes"
    ),
    Option(
        "dynamic_batch_size", '"N,N,..."', "batch gears; batch is -1 in --input_shape", "Shapes"
    ),
    Option("dynamic_image_size", '"H,W;..."', "image gears; H and W are -1", "Shapes"),
    Option("dynamic_dims", '"D,D;..."', "gears of every -1 of --input_shape, in order", "Shapes"),
    Option(
        "input_format",
        "FORMAT",
        "layout that 4-D and 5-D tensors are labelled with",
        PORTS,
        ("NCHW", "NCDHW", "ND"),
        "NCHW",
    ),
    Option("out_nodes", '"NODE:0;..."', "nodes or tensors that become outputs", PORTS),
    Option("output_type", "TYPE", 'type of all outputs, or "NODE:0:TYPE;..."', PORTS),
    Option("input_fp16_nodes", '"NAME;..."', "inputs that take FP16", PORTS),
    Option("insert_op_conf", "FILE", "AIPP: what is done to pictures in the input", PORTS),
    Option("is_input_adjust_hw_layout", "false", "NC1HWC0 inputs (not supported)", PORTS),
    Option(
        "is_output_adjust_hw_layout",
        "false",
        "NC1HWC0 outputs (not supported)",
        PORTS,
    ),
    Option("singleop", "FILE", "JSON of single operators; --output is a folder then"),
    Option(
        "log",
        "LEVEL",
        "debug, info, warning, error or null",
        "Reporting",
        ("debug", "info", "warning", "error", "null"),
        "null",
    ),
    Option("display_model_info", "0|1", "print what the .om holds", "Reporting", BIT, "0", "1"),
    Option("dump_mode", "0|1", "shapes in the JSON of mode 1", "Reporting", BIT, "0", "1"),
    Option("help", "", "print this and exit", "Reporting", bare="1"),
    Option(
        "host_env_os", "NAME", "system in the name of range models", "Shapes", ("linux",), "linux"
    ),
    Option(
        "host_env_cpu",
        "NAME",
        "processor in the name of range models",
        "Shapes",
        ("aarch64", "x86_64"),
        platform.machine(),
    ),
    _chip(
        "precision_mode",
        "MODE",
        "softnpu computes in FP32",
        (
            "force_fp16",
            "force_fp32",
            "cube_fp16in_fp32out",
            "allow_fp32_to_fp16",
            "must_keep_origin_dtype",
            "allow_mix_precision",
            "allow_mix_precision_fp16",
            "allow_mix_precision_bf16",
        ),
    ),
    _chip(
        "precision_mode_v2",
        "MODE",
        "softnpu computes in FP32",
        (
            "fp16",
            "origin",
            "cube_fp16in_fp32out",
            "mixed_float16",
            "mixed_bfloat16",
            "cube_hif8",
            "mixed_hif8",
        ),
    ),
    _chip(
        "op_select_implmode",
        "MODE",
        "operator variants",
        (
            "high_precision",
            "high_performance",
            "high_precision_for_all",
            "high_performance_for_all",
        ),
    ),
    _chip("optypelist_for_implmode", '"TYPE,..."', "operators of op_select_implmode"),
    _chip("op_precision_mode", "FILE", "operator precision", file=True),
    _chip("keep_dtype", "FILE", "operators that keep their type", file=True),
    _chip("customize_dtypes", "FILE", "types of operators", file=True),
    _chip("modify_mixlist", "FILE", "mixed precision lists", file=True),
    _chip("enable_small_channel", "0|1", "convolution with few channels", BIT, bare="1"),
    _chip("enable_compress_weight", "true|false", "weight compression", BOOL, bare="true"),
    _chip("compress_weight_conf", "FILE", "weight compression", file=True),
    _chip("compression_optimize_conf", "FILE", "weight compression", file=True),
    _chip("sparsity", "0|1", "sparse weights", BIT, bare="1"),
    _chip("save_original_model", "true|false", "keep a copy of the model", BOOL, bare="true"),
    _chip("fusion_switch_file", "FILE", "fusion switches", file=True),
    _chip("enable_scope_fusion_passes", "NAMES", "TensorFlow fusion"),
    _chip(
        "buffer_optimize",
        "MODE",
        "on-chip buffers",
        ("l1_optimize", "l2_optimize", "off_optimize", "l1_and_l2_optimize"),
    ),
    _chip("auto_tune_mode", '"RL,GA"', "kernel tuning"),
    _chip("mdl_bank_path", "DIR", "tuning results"),
    _chip("op_bank_path", "DIR", "tuning results"),
    _chip("disable_reuse_memory", "0|1", "memory reuse", BIT, bare="1"),
    _chip("op_debug_level", "0..4", "operator debugging", ("0", "1", "2", "3", "4")),
    _chip("op_debug_config", "FILE", "operator debugging", file=True),
    _chip("debug_dir", "DIR", "operator debugging"),
    _chip("atomic_clean_policy", "0|1", "memory cleaning", BIT),
    _chip("status_check", "0|1", "overflow checks", BIT, bare="1"),
    _chip("head_stream", "0|1", "scheduling", BIT, bare="1"),
    _chip("enable_single_stream", "true|false", "scheduling", BOOL, bare="true"),
    _chip("ac_parallel_enable", "0|1", "scheduling", BIT, bare="1"),
    _chip("tiling_schedule_optimize", "0|1", "scheduling", BIT, bare="1"),
    _chip("quant_dumpable", "0|1", "quantisation dump", BIT, bare="1"),
    _chip("core_type", "TYPE", "kind of core", ("AiCore", "VectorCore")),
    _chip("aicore_num", "N", "number of cores"),
    _chip("virtual_type", "0|1", "virtual devices", BIT, bare="1"),
    _chip("deterministic", "0|1", "deterministic computation", BIT, bare="1"),
    _chip("external_weight", "0|1|2", "weights in files of their own", ("0", "1", "2"), bare="1"),
    _chip("op_name_map", "FILE", "custom operators", file=True),
    _chip("op_compiler_cache_mode", "MODE", "kernel cache", ("enable", "disable", "force")),
    _chip("op_compiler_cache_dir", "DIR", "kernel cache"),
    _chip("input_hint_shape", "TEXT", "hints for dynamic shapes"),
    _chip("enable_graph_parallel", "0|1", "several devices", (*BIT, *BOOL), bare="1"),
    _chip("graph_parallel_option_path", "FILE", "several devices", file=True),
    _chip("cluster_config", "FILE", "several devices", file=True),
    _chip("shard_model_dir", "DIR", "several devices"),
    _chip("model_relation_config", "FILE", "several devices", file=True),
    _chip("distributed_cluster_build", "0|1", "several devices", BIT, bare="1"),
    _chip("oo_level", "LEVEL", "graph optimisation", ("O1", "O3")),
    _chip("oo_constant_folding", "true|false", "graph optimisation", BOOL, bare="true"),
    _chip("oo_dead_code_elimination", "true|false", "graph optimisation", BOOL, bare="true"),
    _chip("ffts_plus_mode", "MODE", "scheduling"),
    _chip("jit_compile", "0|1|2", "operator compilation", ("0", "1", "2")),
    _chip("exclude_engines", "NAMES", "engines to leave out"),
    _chip("export_compile_stat", "0|1|2", "compilation statistics", ("0", "1", "2")),
    _chip("build_mode", "MODE", "tuning"),
    _chip("build_step", "STEP", "tuning"),
    _chip("out_put_om_type", "TYPE", "kind of offline model"),
    _chip("net_format", "FORMAT", "old name of a layout option"),
    _chip("ddk_version", "TEXT", "old version option"),
)

TABLE = {option.name: option for option in OPTIONS}


def _split(words: Sequence[str]) -> list[tuple[str, str | None]]:
    """Words of the command line as (name, value) pairs; the value may be missing."""
    pairs: list[tuple[str, str | None]] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or len(word.lstrip("-")) == 0:
            raise AtcError(
                "E10054",
                f"Argument [{word}] belongs to no option.",
                "Put values that hold ';' or blanks in quotes, and no blank around '='.",
            )
        name, equals, value = word.lstrip("-").partition("=")
        name = "help" if name in ("h", "help") else name.replace("-", "_")
        option = _lookup(name, word)
        if equals:
            pairs.append((name, value))
        elif (
            rest
            and not (rest[0].startswith("--") and option.bare is not None)
            and (option.bare is None or rest[0] in option.choices)
        ):
            pairs.append((name, rest.pop(0)))
        else:
            pairs.append((name, option.bare))
    return pairs


def _lookup(name: str, word: str) -> Option:
    if option := TABLE.get(name):
        return option
    near = difflib.get_close_matches(name, TABLE, n=1)
    hint = f" Did you mean --{near[0]}?" if near else ""
    raise AtcError(
        "E10001",
        f"Parameter [{word.partition('=')[0]}] is invalid. Reason: atc has no such option.{hint}",
        "atc --help lists the options.",
    )


def _check(option: Option, value: str) -> None:
    if option.choices and value not in option.choices:
        raise invalid_value(option.name, value, f"it must be one of {', '.join(option.choices)}.")
    if option.file and not Path(value).is_file():
        raise invalid_value(option.name, value, "the file does not exist.")


class Arguments:
    """Options as given, checked one by one.

    Parameters
    ----------
    words : sequence of str
        Command line without the program's name.

    Raises
    ------
    AtcError
        Unknown option, value outside the list of choices, missing value, missing file.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.given: dict[str, str] = {}
        for name, value in _split(words):
            option = TABLE[name]
            if value is None:
                raise AtcError(
                    "E10004",
                    f"Parameter [--{name}] has no value.",
                    f"Write --{name}={option.value or 'VALUE'}.",
                )
            value = value.strip().strip("\"'").strip()
            if not value:
                # Build scripts write --x=$unset; an empty option is an absent one.
                self.given.pop(name, None)
                continue
            _check(option, value)
            self.given[name] = value

    def __getitem__(self, name: str) -> str:
        """Value of an option, its default when absent."""
        return self.given.get(name, TABLE[name].default)

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def require(self, *names: str) -> None:
        """E10054 for the first of these options that is absent."""
        for name in names:
            if not self[name]:
                raise AtcError(
                    "E10054",
                    f"Required parameter [--{name}] is absent or empty.",
                    f"Give --{name}={TABLE[name].value}; quote values that hold ';' or blanks.",
                )

    def exclude(self, *names: str) -> None:
        """E10009 when more than one of these options is given."""
        found = [f"--{name}" for name in names if name in self]
        if len(found) > 1:
            raise AtcError(
                "E10009",
                f"Parameters [{', '.join(found)}] exclude one another.",
                "Give at most one of them.",
            )

    def without_effect(self) -> list[str]:
        """Names of given options that steer a real chip only."""
        return [name for name in self.given if not TABLE[name].effect]


def help_text() -> str:
    """The usage block of --help."""
    lines = ["Usage: atc <options>      --name=value, --name value, -name=value", ""]
    for group in dict.fromkeys(option.group for option in OPTIONS):
        lines.append(f"{group}:")
        for option in OPTIONS:
            if option.group != group:
                continue
            left = f"  --{option.name}" + (f"={option.value}" if option.value else "")
            default = f" (default {option.default})" if option.default else ""
            lines.append(f"{left:<42} {option.help}{default}")
        lines.append("")
    lines += [
        "Example:",
        "  atc --model=yolo.onnx --framework=5 --output=yolo --soc_version=Ascend310P3 \\",
        '      --input_shape="images:1,3,416,416"',
    ]
    return "\n".join(lines)
