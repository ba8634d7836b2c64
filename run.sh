#!/usr/bin/env bash
# One door to the project: sets up whatever is missing, then runs what is asked for.
# Every step is idempotent and leaves a stamp, so the second call starts at once.
set -euo pipefail
cd "$(dirname "$0")"

VENV=${ACL_FAST_VENV:-.venv}
EXTRAS=softnpu,video,test,lint,bench
APT_PACKAGES=(g++ ccache cmake ninja-build nlohmann-json3-dev zlib1g-dev python3-dev python3-venv
    pkg-config libavcodec-dev libavutil-dev libswscale-dev libyuv-dev libjpeg-dev libpng-dev ffmpeg)

usage() {
    cat <<'TEXT'
usage: ./run.sh COMMAND [ARGS]

  demo [ARGS]    detect objects in a real street video on softnpu (acl-fast demo)
  test [STAGE]   all tests, or the named stages (./run.sh test --list)
  bench [ARGS]   the benchmarks, each against its counterpart
  shell          a shell in which acl_fast and acl-fast are at hand
  setup          only set up
  clean          remove everything that was built
TEXT
}

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

install_system_packages() {
    command -v dpkg-query >/dev/null || return 0
    local missing=() package
    for package in "${APT_PACKAGES[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    # A newer Python from elsewhere brings its own headers and venv module.
    if python3 -c 'import venv, ensurepip, sysconfig, pathlib
assert pathlib.Path(sysconfig.get_paths()["include"], "Python.h").exists()' 2>/dev/null; then
        missing=("${missing[@]/python3-dev/}")
        missing=("${missing[@]/python3-venv/}")
    fi
    local wanted
    wanted=$(echo "${missing[*]:-}" | xargs)
    [ -n "$wanted" ] || return 0
    say "Installing Debian packages: $wanted"
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends $wanted >/dev/null
}

make_venv() {
    [ -x "$VENV/bin/python" ] && return 0
    say "Creating $VENV"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
        echo "acl_fast needs Python 3.10 or newer; python3 is $(python3 --version)" >&2
        exit 1
    }
    python3 -m venv "$VENV"
}

# Dependencies change with pyproject.toml, compiled code with its sources: one stamp for each.
install_dependencies() {
    local stamp=$VENV/.dependencies sum
    sum=$(cat pyproject.toml | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return 0
    say "Installing Python packages"
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check "setuptools>=80,<85" wheel "cython==3.3.1"
    "$VENV/bin/python" tools/requirements.py "$EXTRAS" >"$VENV/requirements.txt"
    "$VENV/bin/python" -m pip install -q --disable-pip-version-check -r "$VENV/requirements.txt"
    echo "$sum" >"$stamp"
}

build() {
    local stamp=$VENV/.built
    if [ -e "$stamp" ] && [ -z "$(find pyx src softnpu include setup.py pyproject.toml CMakeLists.txt \
        -newer "$stamp" -print -quit)" ]; then
        return 0
    fi
    say "Building acl_fast and softnpu"
    ACL_FAST_CPP_TESTS=ON "$VENV/bin/python" -m pip install -q --disable-pip-version-check \
        --no-build-isolation --no-deps --config-settings editable_mode=compat -e .
    touch "$stamp"
}

setup() {
    install_system_packages
    # What was compiled before, in whichever checkout, is not compiled again.
    if [ -d /usr/lib/ccache ]; then
        export PATH="/usr/lib/ccache:$PATH" CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
    fi
    make_venv
    install_dependencies
    build
    export PATH="$PWD/$VENV/bin:$PATH"
}

main() {
    local command=${1:-}
    [ $# -gt 0 ] && shift
    case "$command" in
        demo) setup && exec acl-fast demo "$@" ;;
        test) setup && exec python tools/check.py "$@" ;;
        bench) setup && exec python -m benchmarks "$@" ;;
        shell) setup && exec "${SHELL:-bash}" "$@" ;;
        setup) setup ;;
        clean) rm -rf build dist ./*.egg-info acl_fast/softnpu/lib64 acl_fast/*.so "$VENV/.built" ;;
        ''|-h|--help|help) usage ;;
        *) usage >&2; exit 2 ;;
    esac
}

main "$@"
