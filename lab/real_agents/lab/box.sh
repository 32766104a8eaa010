#!/bin/bash
# box.sh STATE [SHOWN...]   builds a box and keeps it until standard input ends; called by box.py through `unshare`.
#
# The root of the box is put together from nothing: the system's programs and libraries, a few devices, an /etc of its
# own, STATE/home as /home/dev, STATE/out as /out, STATE/tmp as /tmp, and each folder or file SHOWN, read-only at its own
# path. What is not named here does not exist inside: no home of this machine, no /etc with settings or credentials, no
# network but loopback.
set -euo pipefail
state=$1
shift
root=$state/root

# show PATH [OPTION...]: PATH of this machine at the same place in the box
show() {
  if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$(dirname "$root$1")" && touch "$root$1"; fi
  mount --rbind "$1" "$root$1"
  [ $# -eq 1 ] || mount -o "remount,bind,$2" "$root$1"
}

mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p "$root"/{dev/pts,dev/shm,etc,home/dev,old,out,proc,tmp}

for name in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$name" ]; then cp -P "/$name" "$root/"; elif [ -d "/$name" ]; then show "/$name" ro; fi
done
show /usr ro
for name in alternatives ld.so.cache ssl/certs terminfo; do
  [ ! -e "/etc/$name" ] || show "/etc/$name" ro
done
printf 'root:x:0:0:root:/root:/bin/sh\ndev:x:1000:1000:dev:/home/dev:/bin/bash\n' >"$root/etc/passwd"
printf 'root:x:0:\ndev:x:1000:\n' >"$root/etc/group"
printf '127.0.0.1 localhost box\n' >"$root/etc/hosts"
printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"

for name in full null random tty urandom zero; do show "/dev/$name"; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t proc proc "$root/proc"

mount --bind "$state/home" "$root/home/dev"
mount --bind "$state/out" "$root/out"
mount --bind "$state/tmp" "$root/tmp"
for path in "$@"; do show "$path" ro; done

ip link set lo up
hostname box
cd "$root"
pivot_root . old
umount -l /old
rmdir /old
mount -o remount,ro /
echo ready
# Nobody writes to it: `read` ends when the owner closes the pipe or dies, and with this process (pid 1) all others end.
read -r _ || true
