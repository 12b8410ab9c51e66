# Runs a command in another root, with what it needs mounted there. `chroot.rs` starts this in a
# mount namespace of its own, so that nothing has to be unmounted.
#
# enter.sh ROOT [OUTSIDE INSIDE ro|rw]... -- COMMAND...
set -eu
root=$1
shift
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
    shift 3
done
shift
exec chroot "$root" "$@"
