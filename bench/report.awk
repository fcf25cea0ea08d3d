# SPDX-License-Identifier: ISC
#
# Turns what run.sh measured into the tables. Input, one line a measurement:
#   cpu CONNECTIONS DEPTH ROUND SERIES NANOSECONDS     server CPU a request
#   mem idle|held|… COUNT SERVER BYTES                 resident bytes apiece
#   env TEXT                                           where it was measured, printed as it is
# A series is a server, or latchd in another way: `native`, `handover`. A ratio is to the floor of
# the same round, that of `native` to latchd's classic pair; shown are the median of the ratios and their middle
# half, from quartile to quartile, since the extremes of many short rounds tell of the machine only.
# Two servers whose middle halves overlap are tied. Any POSIX awk will do, so the sort is its own.

function sorted(values, n,   i, j, v)
{
	for (i = 2; i <= n; i++) {
		v = values[i]
		for (j = i - 1; j > 0 && values[j] > v; j--)
			values[j + 1] = values[j]
		values[j + 1] = v
	}
}

# The value below which the part `q` of the sorted values lies, between two of them where need be.
function quantile(values, n, q,   at, i)
{
	at = 1 + (n - 1) * q
	i = int(at)
	return i < n ? values[i] + (at - i) * (values[i + 1] - values[i]) : values[n]
}

# Leaves median and quartiles of a series' numbers, divided by those of `base` where it is not "".
function summarize(config, server, base,   n, r, list)
{
	n = 0
	for (r = 1; r <= rounds; r++)
		if ((config, r, server) in ns)
			list[++n] = ns[config, r, server] / (base ? ns[config, r, base] : 1)
	if (n == 0)
		return 0
	sorted(list, n)
	low[config, server] = quantile(list, n, 0.25)
	mid[config, server] = quantile(list, n, 0.5)
	high[config, server] = quantile(list, n, 0.75)
	return 1
}

function ratio_cell(config, server, base)
{
	if (!summarize(config, server, base))
		return "-"
	return sprintf("%.2f (%.2f-%.2f)", mid[config, server], low[config, server],
	    high[config, server])
}

function print_speed(   c, f)
{
	print "Server CPU a request, as a ratio to the floor: median and middle half of " rounds \
	    " rounds\n"
	printf "| %11s | %9s | %18s | %20s | %20s | %20s |\n", "connections", "in flight",
	    "floor, ns", "latchd", "redis", "memcached"
	print "|------------:|----------:|-------------------:|---------------------:" \
	    "|---------------------:|---------------------:|"
	for (c = 1; c <= configs; c++) {
		split(config[c], f, " ")
		summarize(config[c], "floor")
		printf "| %11d | %9d | %18s | %20s | %20s | %20s |\n", f[1], f[2],
		    sprintf("%.0f (%.0f-%.0f)", mid[config[c], "floor"],
			low[config[c], "floor"], high[config[c], "floor"]),
		    ratio_cell(config[c], "latchd", "floor"),
		    ratio_cell(config[c], "redis", "floor"),
		    ratio_cell(config[c], "memcached", "floor")
	}
}

function print_native(   c, f)
{
	print "\nlatchd's native verbs: acquire and release as a ratio to trylock and releaselock;" \
	    "\na release that hands over to who waits, and an acquire that waits, to the floor\n"
	printf "| %11s | %9s | %20s | %20s |\n", "connections", "in flight", "acquire, release",
	    "handed over"
	print "|------------:|----------:|---------------------:|---------------------:|"
	for (c = 1; c <= configs; c++) {
		split(config[c], f, " ")
		printf "| %11d | %9d | %20s | %20s |\n", f[1], f[2],
		    ratio_cell(config[c], "native", "latchd"),
		    ratio_cell(config[c], "handover", "floor")
	}
}

function bytes_cell(thing, server)
{
	return (thing, server) in bytes ? sprintf("%.0f", bytes[thing, server]) : "-"
}

function print_memory(   i, f, label)
{
	label["idle"] = "an idle connection"
	label["held"] = "a held lock"
	label["waiter"] = "a waiter"
	label["lease"] = "a lease with key and note"
	print "\nResident memory of the process (Pss), bytes apiece\n"
	printf "| %-40s | %9s | %9s | %9s |\n", "", "latchd", "redis", "memcached"
	print "|------------------------------------------|----------:|----------:|----------:|"
	for (i = 1; i <= things; i++) {
		split(thing[i], f, " ")
		printf "| %-40s | %9s | %9s | %9s |\n", label[f[1]] ", one of " f[2],
		    bytes_cell(thing[i], "latchd"), bytes_cell(thing[i], "redis"),
		    bytes_cell(thing[i], "memcached")
	}
}

function verdict(what, measured, worst, target, format)
{
	if (measured)
		printf "- %s: %s (worst " format ")\n", what,
		    worst <= target ? "met" : "MISSED", worst
}

function judge_ratio(depth, target,   c, f, worst, n)
{
	for (c = 1; c <= configs; c++) {
		split(config[c], f, " ")
		if (f[2] == depth && (config[c], "latchd") in mid)
			if (n++ == 0 || mid[config[c], "latchd"] > worst)
				worst = mid[config[c], "latchd"]
	}
	verdict(sprintf("at most %.2f of the floor at %d in flight", target, depth), n, worst,
	    target, "%.2f")
}

function judge_native(target,   c, k, n, worst)
{
	for (c = 1; c <= configs; c++) {
		k = config[c]
		if ((k, "native") in mid)
			if (n++ == 0 || mid[k, "native"] > worst)
				worst = mid[k, "native"]
	}
	verdict(sprintf("acquire and release at most %.2f of trylock and releaselock", target), n,
	    worst, target, "%.2f")
}

function judge_peer(peer,   c, k, below, tied, above)
{
	for (c = 1; c <= configs; c++) {
		k = config[c]
		if (!((k, "latchd") in mid) || !((k, peer) in mid))
			continue
		if (low[k, "latchd"] <= high[k, peer] && low[k, peer] <= high[k, "latchd"])
			tied++
		else if (mid[k, "latchd"] < mid[k, peer])
			below++
		else
			above++
	}
	if (below + tied + above > 0)
		printf "- below %s: %s (of %d: below in %d, tied in %d, above in %d)\n", peer,
		    above ? "MISSED" : "met", below + tied + above, below, tied, above
}

function judge_memory(kind, what, target,   i, n, worst)
{
	for (i = 1; i <= things; i++)
		if (index(thing[i], kind) == 1 && (thing[i], "latchd") in bytes)
			if (n++ == 0 || bytes[thing[i], "latchd"] > worst)
				worst = bytes[thing[i], "latchd"]
	verdict(sprintf("at most %d bytes %s", target, what), n, worst, target, "%.0f")
}

$1 == "cpu" {
	if (!seen[$2 " " $3]++)
		config[++configs] = $2 " " $3
	ns[$2 " " $3, $4, $5] = $6
	rounds = $4 > rounds ? $4 : rounds
	with_latchd += $5 == "latchd"
}

$1 == "mem" {
	if (!seen[$2 " " $3]++)
		thing[++things] = $2 " " $3
	bytes[$2 " " $3, $4] = $5
}

$1 == "env" {
	sub(/^env /, "")
	print $0 "\n"
}

END {
	print_speed()
	if (with_latchd)
		print_native()
	print_memory()
	if (!with_latchd)
		exit
	print "\nTargets for latchd\n"
	judge_ratio(1, 1.10)
	judge_ratio(128, 2.50)
	judge_native(1.15)
	judge_peer("redis")
	judge_peer("memcached")
	judge_memory("idle", "an idle connection", 512)
	judge_memory("held", "a held lock", 128)
	judge_memory("waiter", "a waiter", 192)
}
