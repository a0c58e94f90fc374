#!/usr/bin/env bash
# The entry point: installs what is missing, then runs `python -m engine`.
set -euo pipefail

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
python=$root/.venv/bin/python
# Relative paths on the command line refer to the user's current folder.
export CALLED_FROM=$PWD
# Files are UTF-8 in every locale; engine/commands/terminal.py asks the system for the terminal's encoding.
export PYTHONUTF8=1

usage() {
    cat <<'TEXT'
Usage: ./start.sh [COMMAND] [OPTIONS]

  (no command)           start the engine and the page; Ctrl-C stops both
  status [--json]        report the status
  stop                   stop the engine and the page
  logs [llm|app|tools] [-f]
                         print the end of the logs; -f: and new lines as they come
  plan [OPTIONS]         show what would run here and why, or the launch for another machine
  user WHAT              manage who may sign in: add, remove, password, admin or sign-out NAME; list
  key WHAT               manage which programs may use the API: add or remove NAME; list
  tools [--call NAME JSON]
                         list the tools of workspace/mcp.json and say what is wrong, or call one
  backup DIR             copy chats, pictures, people and keys into the new folder DIR; also while it runs
  restore DIR [--force]  restore a backup; --force moves existing chats aside
  doctor [--json]        check the installation and say how to fix what is broken
  prove                  show in a minute that this machine's engine works, before a large model is downloaded
  verify [OPTIONS]       check that an engine does what this chat needs: name, picture, thinking, tools, speed
  bench [SCENARIO ...]   measure the running engine: throughput and latency; bench compare A B
  eval WHAT [OPTIONS]    measure how often the running engine is right: ocr, gsm8k, ocrbench, infovqa, tools
  ocr PATH... --out FILE read many pictures and PDFs with the running engine: FILE.jsonl, .csv or .md
  bench ui [--quick]     measure the page's own cost and compare it with the baselines
  prepare                only install what a start needs
  test [--long] [ARGS]   install what the tests need and run them
  test --fast [ARGS]     run only the unit tests, on two cores
  version                print the version; also --version
  help                   print this

Settings come from the environment and from .env; .env.example explains each.
TEXT
}

say() { printf '%s\n' "$*" >&2; }

give_up() {
    say "$*"
    exit 1
}

# Finds a Python for which the locked packages have wheels.
find_python() {
    local candidate
    for candidate in python3.11 python3.12 python3.13 python3; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    give_up "Python 3.11, 3.12 or 3.13 is needed and none was found; on Debian or Ubuntu: apt-get install python3-venv"
}

only_uv=(--quiet --no-deps --only-binary :all: --require-hashes -r "$root/engine/uv.txt")

# Without a network, pip, uv and apt-get fill a screen with errors that name no way out.
not_installed() {
    give_up "$1 could not be installed; the reason is above. If the network is missing: HTTPS_PROXY names a proxy," \
        "PIP_INDEX_URL and UV_DEFAULT_INDEX a mirror of PyPI. Then run ./start.sh again."
}

# An environment that belongs to another user can be neither used nor replaced.
check_owner() {
    local owned
    for owned in "$root" "$root/.venv.lock" "$root/.venv"; do
        if [ -e "$owned" ] && ! [ -w "$owned" ]; then
            give_up "$(id -un) can't write $owned, which belongs to $(stat -c %U -- "$owned"): start as that user," \
                "or as root: chown -R $(id -un) '$root'"
        fi
    done
}

create_venv() {
    local base
    base=$(find_python)
    say "Preparing the environment in .venv …"
    rm -rf -- "$root/.venv" ||
        give_up "$root/.venv has files of another user; as root: rm -rf '$root/.venv'; then run ./start.sh again."
    # Installing another pip would take longer than everything that follows; the existing one works as well.
    "$base" -m venv --without-pip "$root/.venv" || give_up "$base can't make an environment; the reason is above."
    if uv --version >/dev/null 2>&1; then
        uv pip install --python "$python" "${only_uv[@]}" || not_installed "The installer"
    # Before 22.3, pip can't install for another Python.
    elif "$base" -m pip --python "$python" --version >/dev/null 2>&1; then
        "$base" -m pip --python "$python" install --disable-pip-version-check "${only_uv[@]}" ||
            not_installed "The installer"
    else
        add_pip "$base"
        "$python" -m pip install --disable-pip-version-check "${only_uv[@]}" || not_installed "The installer"
    fi
}

# Adds pip for a Python without it. $1: the Python.
add_pip() {
    "$python" -m ensurepip >/dev/null 2>&1 && return
    # Debian packages it separately from Python.
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        rm -rf -- "$root/.venv"
        give_up "Python lacks its venv module; as root: apt-get install python3-venv"
    fi
    say "Installing Debian's python3-venv …"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; } ||
        not_installed "Debian's python3-venv"
    rm -rf -- "$root/.venv"
    "$1" -m venv "$root/.venv"
}

# Installs exactly what uv.lock lists, unless the stamp shows that it is installed. $1: plain or test.
prepare() {
    local kind=$1 wanted stamp=$root/.venv/prepared
    wanted="$(cat "$root/uv.lock" "$root/engine/uv.txt" | sha256sum | cut -d' ' -f1)"
    # The test environment includes everything that the product needs.
    grep -qsE "^$wanted (test|$kind)\$" "$stamp" && [ -x "$python" ] && return
    check_owner
    # One installation at a time; one that waited finds it done.
    exec 9>"$root/.venv.lock"
    flock 9
    if ! { grep -qsE "^$wanted (test|$kind)\$" "$stamp" && [ -x "$python" ]; }; then
        install_locked "$wanted" "$kind" "$stamp"
    fi
    exec 9>&-
}

install_locked() {
    local wanted=$1 kind=$2 stamp=$3
    # Once installed, the tests' packages stay.
    grep -qs ' test$' "$stamp" && kind="test"
    local -a groups=()
    [ "$kind" = test ] && groups=(--group test)
    { [ -x "$python" ] && "$root/.venv/bin/uv" --version >/dev/null 2>&1; } || create_venv
    rm -f -- "$stamp"
    say "Installing the locked packages …"
    UV_PROJECT_ENVIRONMENT=$root/.venv UV_PYTHON_DOWNLOADS=never "$root/.venv/bin/uv" sync --project "$root" \
        --locked --no-progress --quiet --extra page --extra reader --extra hub --extra measure --extra tools \
        ${groups[@]+"${groups[@]}"} ||
        not_installed "A package"
    printf '%s %s\n' "$wanted" "$kind" >"$stamp"
}

prepare_browser() {
    command -v chromium >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing Debian's Chromium for the browser tests …"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && return
    fi
    say "Fetching Playwright's Chromium for the browser tests …"
    "$python" -m playwright install chromium ||
        give_up "The browser tests need Chromium; install it (Debian: apt-get install chromium) and start again."
}

# The history is tested on PostgreSQL besides SQLite; without it those tests are skipped.
prepare_postgres() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing Debian's PostgreSQL for the tests of the history …"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null && return
    fi
    say "PostgreSQL is not installed (Debian: apt-get install postgresql): the tests that need it are skipped."
}

# The unit tests share nothing and use both cores; the others start servers and browsers, one at a time.
# $@: --long, or nothing.
test_everything() {
    local failed=0
    "$python" -m pytest tests/unit --numprocesses 3 --dist worksteal --cov --cov-report= "$@" || failed=$?
    "$python" -m tests.instruments.coverage_gate || failed=$?
    "$python" -m pytest --ignore tests/unit "$@" || failed=$?
    exit "$failed"
}

# Checks what works without .venv; Python does the rest. Never installs anything.
doctor() {
    local version
    if ! version=$("$python" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null); then
        say "broken   packages     .venv is missing, or its Python does not run."
        say "                      → Delete .venv and run ./start.sh prepare."
        find_python >/dev/null
        exit 1
    fi
    if ! (cd -- "$root" && "$python" -c 'import engine.commands.doctor, engine.commands.cli') 2>/dev/null; then
        say "broken   packages     .venv (Python $version) lacks packages that uv.lock names."
        say "                      → Delete .venv and run ./start.sh prepare."
        exit 1
    fi
    cd -- "$root"
    exec "$python" -m engine doctor "$@"
}

# The version, with the commit where the folder is a git checkout. Needs nothing installed.
version() {
    local number commit
    number=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/pyproject.toml" | head -n 1)
    commit=$([ -e "$root/.git" ] && git -C "$root" rev-parse --short HEAD 2>/dev/null || true)
    printf 'Kimi-VL Chat %s\n' "$number${commit:+ ($commit)}"
}

word=${1:-up}
# `bench ui` needs the tests' packages.
if [ "$word ${2:-}" = "bench ui" ]; then
    word="bench ui"
fi
case $word in
    up | status | stop | logs | plan | user | key | backup | restore | bench | eval | verify | prove)
        prepare plain
        cd -- "$root"
        [ $# -gt 0 ] && shift
        exec "$python" -m engine "$word" "$@"
        ;;
    ocr)
        prepare plain
        cd -- "$root"
        shift
        exec "$python" -m app.batch "$@"
        ;;
    prepare)
        prepare plain
        ;;
    doctor)
        shift
        doctor "$@"
        ;;
    test)
        shift
        # The tests start hundreds of processes; without bytecode each one compiles all its modules first.
        unset PYTHONDONTWRITEBYTECODE
        prepare test
        cd -- "$root"
        if [ "${1:-}" = --fast ]; then
            shift
            exec "$python" -m pytest tests/unit --numprocesses 3 --dist worksteal "$@"
        fi
        prepare_browser
        prepare_postgres
        case $* in
            "" | --long) test_everything "$@" ;;
            *) exec "$python" -m pytest "$@" ;;
        esac
        ;;
    "bench ui")
        shift 2
        prepare test
        prepare_browser
        cd -- "$root"
        exec "$python" -m tests.benchmarks "$@"
        ;;
    version | --version | -V)
        version
        ;;
    help | -h | --help)
        usage
        ;;
    *)
        say "start.sh: there is no command '$word'"
        usage >&2
        exit 2
        ;;
esac
