# SPDX-License-Identifier: ISC
# Completion of latch(1) for fish: subcommands, options, and the names of locks where the server
# answers within a second.

# The words that are no options, the value of none and not the one that is being completed: the
# subcommand and what it is given, one a line. Behind run NAME all are the command's.
function __latch_words
	set -l words (commandline -opc)
	set -l found
	set -l skip 1
	for word in $words
		if test $skip -eq 1
			set skip 0
		else if test (count $found) -ge 2; and contains -- $found[1] run elect
			set -a found $word
		else if contains -- $word -S -w -E -c -d --server --wait --conflict-exit-code --count --slots --lease \
				--at-least --note --as --also --key --token --at --limit --interval --timeout --on-loss --prefix
			set skip 1
		else if not string match -q -- '-*' $word
			set -a found $word
		end
	end
	test (count $found) -eq 0; or printf '%s\n' $found
end

# Whether the subcommand is one of these; without any: whether it is still to come.
function __latch_in
	set -l words (__latch_words)
	if test (count $argv) -eq 0
		test (count $words) -eq 0
	else
		test (count $words) -gt 0; and contains -- $words[1] $argv
	end
end

# The same, and that nothing was given to it yet: its options may come, and its lock.
function __latch_first
	set -l words (__latch_words)
	test (count $words) -eq 1; and contains -- $words[1] $argv
end

# The command of run and elect.
function __latch_command
	set -l words (__latch_words)
	test (count $words) -ge 2; and contains -- $words[1] run elect
end

function __latch_subcommand
	set -l words (__latch_words)
	complete -C (string join ' ' -- (string escape -- $words[3..-1]) (commandline -ct))
end

function __latch_names
	set -l words (commandline -opc)
	for i in (seq (count $words))
		switch $words[$i]
			case -S --server
				set -lx LATCH_SERVER $words[(math $i + 1)]
				timeout 1 latch list --names -- (commandline -ct) 2>/dev/null
				return
			case '--server=*'
				set -lx LATCH_SERVER (string replace -- --server= '' $words[$i])
				timeout 1 latch list --names -- (commandline -ct) 2>/dev/null
				return
		end
	end
	timeout 1 latch list --names -- (commandline -ct) 2>/dev/null
end

set -l commands acquire release renew run elect inspect list why history watch top clients stats ping revoke kick help

complete -c latch -f
complete -c latch -n __latch_in -a acquire -d 'take a lock that outlives latch'
complete -c latch -n __latch_in -a release -d 'give such a lock back'
complete -c latch -n __latch_in -a renew -d 'a new lease for such a lock'
complete -c latch -n __latch_in -a run -d 'run a command while holding a lock'
complete -c latch -n __latch_in -a elect -d 'keep one of several copies running'
complete -c latch -n __latch_in -a inspect -d 'who holds a lock, who waits for it'
complete -c latch -n __latch_in -a list -d 'the locks that are held or waited for'
complete -c latch -n __latch_in -a why -d 'who waits for whom'
complete -c latch -n __latch_in -a history -d 'who held it when'
complete -c latch -n __latch_in -a watch -d 'what happens to a lock'
complete -c latch -n __latch_in -a top -d 'the server on one screen'
complete -c latch -n __latch_in -a clients -d 'the connections of the server'
complete -c latch -n __latch_in -a stats -d 'the counters of the server'
complete -c latch -n __latch_in -a ping -d 'how long the server takes to answer'
complete -c latch -n __latch_in -a revoke -d 'take a lock away'
complete -c latch -n __latch_in -a kick -d 'end a connection'
complete -c latch -n __latch_in -a help -d 'what a command takes'
complete -c latch -s S -l server -x -d 'address of the server'
complete -c latch -s h -l help -d 'help'
complete -c latch -n __latch_in -s V -l version -d 'version'

complete -c latch -n '__latch_in release renew' -a '(__latch_names)'
complete -c latch -n '__latch_first acquire run elect inspect list why history watch top revoke' -a '(__latch_names)'
complete -c latch -n __latch_command -a '(__latch_subcommand)'
complete -c latch -n '__latch_first help' -a "$commands"

set -l terms acquire run elect
complete -c latch -n "__latch_first $terms" -s n -l nonblock -d 'now or not at all'
complete -c latch -n "__latch_first $terms" -s w -l wait -x -d 'wait no longer than that'
complete -c latch -n "__latch_first $terms" -s E -l conflict-exit-code -x -d 'exit status where it is not granted'
complete -c latch -n "__latch_first $terms" -s q -l quiet -d 'not a word about that'
complete -c latch -n "__latch_first $terms" -s s -l shared -d 'together with other shared holders'
complete -c latch -n "__latch_first $terms" -l slots -x -d 'at most so many hold it'
complete -c latch -n "__latch_first $terms" -l also -x -a '(__latch_names)' -d 'that lock too'
complete -c latch -n "__latch_first $terms" -l lease -x -d 'yours for that long'
complete -c latch -n "__latch_first $terms" -l at-least -x -d "nobody else's for that long"
complete -c latch -n "__latch_first $terms" -l note -x -d 'what you do with it'
complete -c latch -n "__latch_first $terms" -l as -x -d 'who you are'
complete -c latch -n '__latch_first run elect' -l timeout -x -d 'end the command after that'
complete -c latch -n '__latch_first run elect' -s c -x -d 'what the shell is to run'
complete -c latch -n '__latch_in top' -s d -x -d 'ask the server so often'
complete -c latch -n '__latch_first run elect' -l on-loss -x -a 'kill term ignore' -d 'what becomes of the command'
complete -c latch -n '__latch_in acquire release renew' -l key -x -d 'of acquire'
complete -c latch -n '__latch_in renew' -l lease -x -d 'yours for that long'
complete -c latch -n '__latch_in release renew revoke' -l token -x -d 'only that grant'
complete -c latch -n '__latch_in list' -l names -d 'only the names'
complete -c latch -n '__latch_in history' -l at -x -d 'who had it then'
complete -c latch -n '__latch_in history' -l limit -x -d 'no more than'
complete -c latch -n '__latch_in watch' -l prefix -x -a '(__latch_names)' -d 'all that begin with it'
complete -c latch -n '__latch_in ping' -s c -l count -x -d 'so often'
complete -c latch -n '__latch_in ping' -l interval -x -d 'so long in between'
complete -c latch -n '__latch_in acquire renew inspect list why history watch clients stats ping' -l json -d 'for programs'
