# A user's own systemd for one test: in name spaces and a control group of its own, so that it neither sees nor moves
# any process outside, and nothing of it is left once the first process here ends. Arguments: control group, home folder.
set -eu
echo $$ > "$1/cgroup.procs"
exec unshare --cgroup --mount --pid --fork --kill-child --mount-proc sh -eu -c '
  mount -t tmpfs none /run
  mount -t cgroup2 none /sys/fs/cgroup
  mkdir -p /run/systemd/system /run/user/0
  chmod 700 /run/user/0
  cd /
  # Root without a single capability is what any user is: the unit must do with that.
  setpriv --bounding-set=-all --inh-caps=-all env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$1" \
    XDG_RUNTIME_DIR=/run/user/0 "$2" --user &
  wait
' sh "$2" "$3"
