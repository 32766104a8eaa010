#!/bin/sh
# Stands in for macOS's launchctl: remembers in a folder what was asked and what it knows, and answers in its words.
# `known`: the agent is registered; `pid`: it runs; `busy`: how often a bootstrap is still refused after a bootout.
cd "${0%/*}/launchd" || exit 1
echo "$*" >> asked
label=gui/$(id -u)/com.carryover.carryoverd
case "$1" in
  print)
    [ "$2" = "$label" ] || exit "$(cat domain 2>/dev/null || echo 0)"
    [ -e known ] || { echo "Could not find service \"com.carryover.carryoverd\" in domain for user gui" >&2; exit 113; }
    printf '%s = {\n\tactive count = 1\n\tstate = running\n' "$label"
    [ ! -e pid ] || printf '\tpid = %s\n' "$(cat pid)"
    printf '\tlast exit code = %s\n\tspawn type = daemon (3)\n\tproperties = {\n\t\tpid = 1\n\t}\n}\n' "$(cat code 2>/dev/null || echo '(never exited)')" ;;
  print-disabled) printf '\tdisabled services = {\n%s\n\t}\n' "$(cat disabled 2>/dev/null)" ;;
  enable) rm -f disabled ;;
  bootstrap)
    if [ -e known ] || [ -s busy ]; then
      : > busy
      echo "Bootstrap failed: 5: Input/output error" >&2
      echo "Try re-running the command as root for richer errors." >&2
      exit 5
    fi
    touch known; echo 4711 > pid ;;
  bootout) rm -f known pid ;;
  kickstart) [ -e known ] || exit 113; if [ "$2" = -k ]; then echo 4712 > pid; else echo 4711 > pid; fi ;;
  kill) rm -f pid; echo 0 > code ;;
esac
