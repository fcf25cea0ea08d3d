# SPDX-License-Identifier: ISC
#
# From what run.sh measured to its tables, and the numbers of the plot into the file `plot`. Input:
#   cpu CONNECTIONS DEPTH ROUND SERVER NANOSECONDS
#   pipe ROUND LIBRARY setup=NANOSECONDS event=NANOSECONDS

function quantile(list, n, q,   i, j, v, at)
{
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j > 0 && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
	at = 1 + (n - 1) * q
	i = int(at)
	return i < n ? list[i] + (at - i) * (list[i + 1] - list[i]) : list[n]
}

function median_of(prefix, q,   n, r, list)
{
	n = 0
	for (r = 1; r <= rounds; r++)
		if ((prefix, r) in value)
			list[++n] = value[prefix, r]
	return n ? quantile(list, n, q) : 0
}

$1 == "cpu" {
	config = $2 SUBSEP $3
	if (!(config in known)) {
		known[config] = 1
		configs[++n_configs] = config
	}
	if ($4 > rounds)
		rounds = $4
	if ($5 == "floor")
		floor_ns = $6
	value[config, $5, $4] = $5 == "floor" ? $6 : $6 / floor_ns
}

$1 == "pipe" {
	split($4, setup, "=")
	split($5, event, "=")
	value["setup", $3, $2] = setup[2]
	value["event", $3, $2] = event[2]
}

END {
	n_servers = split(servers, server, " ")
	line = "| connections | in flight | floor, ns |"
	rule = "|---:|---:|---:|"
	for (s = 1; s <= n_servers; s++) {
		line = line " " server[s] " |"
		rule = rule "---:|"
	}
	print line
	print rule
	for (c = 1; c <= n_configs; c++) {
		split(configs[c], part, SUBSEP)
		line = sprintf("| %s | %s | %.0f |", part[1], part[2], median_of(configs[c] SUBSEP "floor", 0.5))
		row = sprintf("\"%s x %s\"", part[1], part[2])
		for (s = 1; s <= n_servers; s++) {
			key = configs[c] SUBSEP server[s]
			mid = median_of(key, 0.5)
			line = line sprintf(" %.2f (%.2f-%.2f) |", mid, median_of(key, 0.25), median_of(key, 0.75))
			if (server[s] != "danga")
				row = row sprintf(" %.3f", mid)
		}
		print line
		print row >plot
	}
	row = "-"
	for (s = 1; s <= n_servers; s++)
		if (server[s] != "danga")
			row = row " " server[s]
	print row >(plot ".names")

	n = split(pipes, library, " ")
	printf "\n%d pipes, 100 active; nanoseconds an event, system calls of the benchmark included:\n\n", n_pipes
	print "| | event | setup of a pipe |"
	print "|---|---:|---:|"
	for (s = 1; s <= n; s++) {
		event_key = "event" SUBSEP library[s]
		printf "| %s | %.0f (%.0f-%.0f) | %.0f |\n", library[s], median_of(event_key, 0.5),
		    median_of(event_key, 0.25), median_of(event_key, 0.75), median_of("setup" SUBSEP library[s], 0.5)
	}
}
