#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Installs into a folder and uses what is there as a stranger would: pkg-config, both libraries, C and C++,
# the client, the manual pages; only ds_* may be exported; uninstall leaves nothing but the configuration.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
make install DESTDIR="$dir" PREFIX=/usr >/dev/null

PKG_CONFIG_LIBDIR=$dir/usr/lib/pkgconfig:$(pkg-config --variable pc_path pkg-config)
export PKG_CONFIG_LIBDIR
cat >"$dir/user.c" <<'EOF'
#include <dsock.h>
#include <stdio.h>
static void bye(struct ds_timer *t, void *loop) { (void)t; ds_loop_stop((struct ds_loop *)loop); }
int main(void) {
	struct ds_loop *loop = ds_loop_new();
	struct ds_timer timer;
	if (loop == NULL) return 1;
	ds_timer_init(&timer, loop, bye, loop);
	ds_timer_add(&timer, 1);
	int result = ds_loop_run(loop);
	printf("%s\n", ds_loop_backend(loop));
	ds_loop_free(loop);
	return result;
}
EOF
read -ra flags <<<"-I$dir/usr/include -L$dir/usr/lib"
cc -Wall -Wextra -Werror -o "$dir/shared" "$dir/user.c" "${flags[@]}" -ldsock
[ "$(LD_LIBRARY_PATH=$dir/usr/lib "$dir/shared")" = "${DSOCK_BACKEND:-epoll}" ]
cc -Wall -Wextra -Werror -fno-lto -o "$dir/static" "$dir/user.c" "${flags[@]}" "$dir/usr/lib/libdsock.a" -lbsd
[ "$("$dir/static")" = "${DSOCK_BACKEND:-epoll}" ]
cp "$dir/user.c" "$dir/user.cc"
if command -v c++ >/dev/null; then
	c++ -Wall -Wextra -Werror -o "$dir/cxx" "$dir/user.cc" "${flags[@]}" -ldsock
fi
pkg-config --exists dsock

foreign=$(nm -D --defined-only "$dir/usr/lib/libdsock.so" | awk '{print $3}' | grep -v '^ds_' || true)
[ -z "$foreign" ] || {
	echo "exported besides ds_*: $foreign"
	exit 1
}
readelf -d "$dir/usr/lib/libdsock.so" | grep -q 'SONAME.*libdsock\.so\.[0-9]'
"$dir/usr/sbin/latchd" -t -c "$dir/etc/latchd.ini"
[ "$("$dir/usr/bin/latch" --version)" = "latch $(sed -n 's/^VERSION = //p' Makefile)" ]
for completion in bash-completion/completions/latch zsh/site-functions/_latch fish/vendor_completions.d/latch.fish; do
	test -s "$dir/usr/share/$completion"
done
for page in man1/latch.1 man8/latchd.8 man5/latchd.ini.5 man7/latchd-protocol.7 man7/latchd-recipes.7 man3/dsock.3 man3/dsock_loop.3; do
	test -s "$dir/usr/share/man/$page"
done
test -s "$dir/lib/systemd/system/latchd.service" -a -s "$dir/lib/systemd/system/latchd.socket"
if grep -rn '@[A-Z]*@' "$dir/lib/systemd" "$dir/usr/lib/pkgconfig"; then
	echo 'a placeholder was left'
	exit 1
fi

make uninstall DESTDIR="$dir" PREFIX=/usr >/dev/null
rm -f "$dir"/{user.c,user.cc,shared,static,cxx}
left=$(find "$dir" -type f -o -type l | sort | tr '\n' ' ')
[ "$left" = "$dir/etc/latch.ini $dir/etc/latchd.ini " ] || {
	echo "left after uninstall: $left"
	exit 1
}
