#!/bin/sh
# Written by carryoverd, which puts it back when it starts.
#
#   sh '<state folder>/hook.sh' AGENT EVENT < payload
#
# Hands the payload of an agent's hook on to the daemon, as it is. Prints only what the agent is to take in when a
# session starts, says nothing otherwise, always exits with 0. Where no daemon answers, a process answers a starting
# session from the ledger; never from a file of the project. If the agent has no other readable record, the
# call is kept in a file, which the daemon collects later. A daemon that no service manager starts is started then.
exec 2>/dev/null
# A closed one would be given to the next file or pipe that is opened, and be waited on for ever.
true 3<&0 || exec </dev/null
true 3>&1 || exec >/dev/null
LC_ALL=C
export LC_ALL
# Nor is a program of the project run: of PATH, only folders count that are named from the root.
case :$PATH: in
  *:[!/]*)
    given=$PATH: PATH=
    while [ -n "$given" ]; do
      case $given in
        /*) PATH=$PATH${PATH:+:}${given%%:*} ;;
      esac
      given=${given#*:}
    done
    PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
    ;;
esac
state=${0%/*} agent=$1 event=$2

send() { # LIMIT_S OPTION...
  limit_s=$1
  shift
  # From the state folder, since a socket's path must be short. The secret is in the file, where `ps` does not show it.
  cd "$state" && [ -f hook.curl ] && command curl -q -K hook.curl -m "$limit_s" --data-binary @- "$@" "http://localhost/hook/$agent/$event"
}

keep_pending() { # One file per call: event, folder, payload. At most 64 MiB of them.
  [ ! -e "$state/paused" ] && [ ${#payload} -le 4194304 ] || return
  umask 077
  pending=$state/spool/$spool/pending
  mkdir -p "$pending" && used=$(du -sk "$pending") && [ "${used%%[!0-9]*}" -le 65536 ] || return
  file=$(mktemp "$pending/.XXXXXXXXXX") || return
  printf '%s\n' "$event" "$here" "$payload" >"$file" && mv "$file" "$pending/${file##*/.}.hook" || rm -f "$file"
}

stand_in() { # LIMIT_S. Fails if there is no whole answer by then. Of the agent's variables none but PATH counts.
  printf '%s' "$payload" | env -i HOME=@HOME@ PATH="$PATH" @PYTHON@ -P -m @STAND_IN@ "$state" "$agent" "$event" &
  asked=$!
  { sleep "$1" && kill -9 "$asked"; } >/dev/null &
  guard=$!
  wait "$asked"
  code=$?
  kill "$guard"
  return "$code"
}

start_daemon() { # In the background, where no service manager does and nobody has stopped it.
  [ ! -x "$state/@STARTER@" ] || "$state/@STARTER@"
}

spool=
case $agent in
@SPOOLED@
  *) ;;
esac

if [ -n "$spool" ]; then
  here=$PWD
  case $here in
    *'
'*) here= ;;
  esac
  # Read to the end, so that the agent meets no closed pipe. A longer payload is not kept.
  payload=$({
    head -c 4194305
    cat >/dev/null
  })
  [ -n "$payload" ] || exit 0
  case $(printf '%s' "$payload" | send 0.3 -o /dev/null -w '%{http_code}' -H "@CWD_HEADER@: $here/") in
    2??) ;;
    000)
      keep_pending
      start_daemon
      ;;
    *) keep_pending ;;
  esac
  exit 0
fi

case $event in
  @START_EVENTS@) ;;
  @PROMPT_EVENTS@)
    # A prompt gets something only where a compaction has removed it, and only from a daemon.
    answer=$(send 0.5 -w '\n%{http_code}') || exit 0
    case $answer in
      *'
200') printf '%s' "${answer%????}" ;;
    esac
    exit 0
    ;;
  *)
    send 0.3 -o /dev/null
    exit 0
    ;;
esac

# One line of JSON, or many. After a whole one nothing more is waited for, should the agent leave its end open.
IFS= read -r payload
case $payload in
  *'}') ;;
  *) payload=$payload$(cat) ;;
esac
[ -n "$payload" ] || exit 0

limit_s=0.8 is_down=
if answer=$(printf '%s' "$payload" | send 1 -w '\n%{http_code}'); then
  case $answer in
    *'
200')
      printf '%s' "${answer%????}"
      exit 0
      ;;
    *'
5'??) ;;
    *) exit 0 ;;
  esac
else
  # A slow machine gets more time if none was lost to a daemon that hangs. Some agents wait for 2 s in all.
  [ $? = 28 ] || limit_s=1.5
  is_down=1
fi

answer=$(stand_in "$limit_s" && printf x) && printf '%s' "${answer%x}"
[ -z "$is_down" ] || start_daemon
exit 0
