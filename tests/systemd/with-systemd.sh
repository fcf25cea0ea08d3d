#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Boots a throw-away systemd as process 1 of new namespaces, runs a command inside and tears all of it
# down. The root is an overlay over the host's with a tmpfs on top; /run, /dev, /proc, /sys, the network
# (lo only) and the cgroup are its own, so nothing is written to the host. Needs root, cgroup2 and
# overlayfs, and the packages systemd, util-linux, mount and coreutils.
#
#   with-systemd.sh [-d DIR] [-t SECONDS] [-k] -- COMMAND [ARGUMENT...]
#     -d DIR      copy the tree DIR over / inside (a `make install DESTDIR=DIR`)
#     -t SECONDS  give up on COMMAND after that (60)
#     -k          where COMMAND fails, print the journal on standard error
#
# The exit status is COMMAND's; 124 where it took too long; 125 where the boot failed.
set -eu

die() {
	echo "with-systemd: $*" >&2
	exit 125
}

# Inside, first half: makes the root and becomes process 1.

mount_kernel_trees() {
	local file

	mount -t proc -o nosuid,nodev,noexec proc proc
	mount --bind proc/sys proc/sys
	mount -o remount,bind,ro,nosuid,nodev,noexec proc/sys
	for file in sysrq-trigger kcore kmsg; do # the host's kernel stays out of reach
		[ ! -e proc/$file ] || mount --bind /dev/null proc/$file
	done
	mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
	mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs run
}

make_devices() {
	local name major minor

	mount -t tmpfs -o mode=0755,nosuid,size=16m tmpfs dev
	while read -r name major minor; do
		mknod -m 0666 "dev/$name" c "$major" "$minor"
	done <<-'DEVICES'
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		tty 5 0
	DEVICES
	mkdir dev/pts dev/shm dev/mqueue
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	ln -s fd/0 dev/stdin
	ln -s fd/1 dev/stdout
	ln -s fd/2 dev/stderr
}

become_init() {
	local host_pid

	read -r host_pid _ </proc/self/stat # still the host's /proc
	exec 3>"$WS_TMP/console" 4<&-
	mount -t overlay overlay \
		-o "lowerdir=/,upperdir=$WS_TMP/rw/up,workdir=$WS_TMP/rw/work" "$WS_TMP/root"
	cd "$WS_TMP/root"
	mount_kernel_trees
	make_devices
	hostname with-systemd
	echo "$host_pid" >"$WS_TMP/pid.new"
	mv "$WS_TMP/pid.new" "$WS_TMP/pid"
	mkdir -p .old
	pivot_root . .old
	cd /
	# systemd wants shared propagation and, in a container, does not set it itself.
	# shellcheck disable=SC2016
	exec chroot . sh -c '
		umount -l /.old
		rmdir /.old 2>/dev/null
		mount --make-rshared /
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=with-systemd LANG=C.UTF-8 \
			/lib/systemd/systemd --system --unit=ws.target --log-target=journal \
			--show-status=no --default-standard-output=journal
	' </dev/null >&3 2>&3 3>&-
}

# Outside.

# What would touch hardware or wait for the network.
MASKED='systemd-udevd.service systemd-udev-trigger.service systemd-udevd-control.socket
systemd-udevd-kernel.socket systemd-sysctl.service systemd-modules-load.service
kmod-static-nodes.service systemd-binfmt.service systemd-hwdb-update.service
systemd-timesyncd.service systemd-resolved.service systemd-networkd.service
systemd-random-seed.service systemd-pstore.service systemd-logind.service systemd-firstboot.service
systemd-boot-system-token.service systemd-remount-fs.service proc-sys-fs-binfmt_misc.automount
tmp.mount dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount
sys-kernel-config.mount sys-fs-fuse-connections.mount systemd-ask-password-console.path
systemd-ask-password-wall.path timers.target systemd-update-utmp.service systemd-update-done.service
systemd-journal-flush.service systemd-machine-id-commit.service
systemd-journal-catalog-update.service systemd-tpm2-setup.service systemd-tpm2-setup-early.service'

# The configuration of the inner system, in the upper layer UP.
configure() {
	local up=$1 unit
	local units=$up/etc/systemd/system

	mkdir -p "$units" "$up/etc/systemd/system.conf.d" "$up/etc/systemd/journald.conf.d" \
		"$up/etc/tmpfiles.d"
	tr -d - </proc/sys/kernel/random/uuid >"$up/etc/machine-id"
	echo with-systemd >"$up/etc/hostname"
	: >"$up/etc/fstab"
	printf '[Journal]\nStorage=volatile\nReadKMsg=no\nRateLimitIntervalSec=0\n' \
		>"$up/etc/systemd/journald.conf.d/ws.conf"
	printf '[Manager]\nDefaultTimeoutStopSec=5s\n' >"$up/etc/systemd/system.conf.d/ws.conf"
	printf '[Unit]\n%s\n' 'Requires=basic.target' 'After=basic.target' 'AllowIsolate=yes' \
		>"$units/ws.target"
	for unit in $MASKED; do
		ln -sf /dev/null "$units/$unit"
	done
	# Debian's would empty /tmp while it boots.
	echo 'd /tmp 1777 root root -' >"$up/etc/tmpfiles.d/tmp.conf"
}

# A folder must not come in the place of a link, such as /lib where that is /usr/lib.
copy_tree() {
	local from=$1 up=$2 name

	for name in "$from"/*; do
		name=/${name##*/}
		mkdir -p "$up$(readlink -f "$name")"
		cp -a "$from$name/." "$up$(readlink -f "$name")/"
	done
}

pid='' cgroup=''

# shellcheck disable=SC2317 # by the traps
cleanup() {
	local i

	trap - EXIT INT TERM HUP
	exec 2>/dev/null
	if [ -n "$cgroup" ]; then
		echo 1 >"$cgroup/cgroup.kill" || { [ -z "$pid" ] || kill -9 "$pid" || :; }
		for ((i = 0; i < 100; i++)); do
			grep -q 'populated 1' "$cgroup/cgroup.events" || break
			sleep 0.02
		done
		find "$cgroup" -depth -type d -exec rmdir {} + || :
	fi
	umount -l "$WS_TMP" || :
	rmdir "$WS_TMP" || :
}

make_cgroup() {
	local own

	mount -t cgroup2 cgroup2 "$WS_TMP/cgroup" || die 'there is no cgroup2'
	own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	cgroup=$WS_TMP/cgroup${own%/}/with-systemd.$$
	mkdir "$cgroup" "$cgroup/control" || die 'cannot make a cgroup'
}

# Runs a command in the namespaces, in a cgroup beside those of systemd.
inside() {
	# shellcheck disable=SC2016
	WS_CGROUP=$cgroup WS_PID=$pid sh -c '
		echo $$ >"$WS_CGROUP/control/cgroup.procs"
		exec nsenter -t "$WS_PID" -m -u -i -n -p -C -- env -i \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root LANG=C.UTF-8 TERM=dumb \
			sh -c "cd \"\$0\" 2>/dev/null; exec \"\$@\"" "$PWD" "$@"
	' inside "$@"
}

boot() {
	local i

	# shellcheck disable=SC2016
	WS_STAGE=init sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$cgroup" \
		setpriv --pdeathsig KILL unshare --fork --kill-child --pid --mount --propagation private \
		--ipc --uts --cgroup --net -- bash "$0" &
	for ((i = 0; ; i++)); do
		[ ! -s "$WS_TMP/pid" ] || break
		kill -0 $! 2>/dev/null || die 'making the inner root failed'
		[ $i -lt 500 ] || die 'the namespaces did not come up'
		sleep 0.02
	done
	pid=$(cat "$WS_TMP/pid")
	for ((i = 0; ; i++)); do
		! inside systemctl is-active --quiet ws.target 2>/dev/null || break
		kill -0 "$pid" 2>/dev/null || {
			cat "$WS_TMP/console" >&2
			die 'the inner systemd ended'
		}
		[ $i -lt 300 ] || {
			inside sh -c 'systemctl list-jobs; systemctl --failed; journalctl -b -n 80' >&2 || :
			die 'the inner systemd did not boot'
		}
		sleep 0.05
	done
}

case ${WS_STAGE:-} in
init) become_init ;;
main) ;;
*) # everything that is mounted from here on goes with this process
	[ "$(id -u)" = 0 ] || die 'this needs root'
	[ -x /lib/systemd/systemd ] || die 'there is no systemd: apt-get install systemd'
	WS_STAGE=main exec unshare --mount --propagation private -- "$0" "$@"
	;;
esac

exec 4<&0
export WS_TMP
WS_TMP=$(mktemp -d /tmp/with-systemd.XXXXXX)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mount -t tmpfs -o mode=0755 tmpfs "$WS_TMP"
mkdir -p "$WS_TMP"/{root,rw/up,rw/work,cgroup}

limit=60 show_journal=
while getopts d:t:k option; do
	case $option in
	d) copy_tree "$OPTARG" "$WS_TMP/rw/up" ;;
	t) limit=$OPTARG ;;
	k) show_journal=yes ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || die 'no command'

configure "$WS_TMP/rw/up"
make_cgroup
boot
inside timeout --foreground -k 2 "$limit" "$@" <&4 4<&- &
status=0
wait $! || status=$? # in the background, so that the traps work
if [ $status != 0 ] && [ -n "$show_journal" ]; then
	inside journalctl -b --no-pager -o short-precise >&2 || :
fi
exit $status
