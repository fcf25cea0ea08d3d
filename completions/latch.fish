# SPDX-License-Identifier: ISC
# Completion of latch(1) for fish: subcommands, options, and the names of locks where the server
# answers within a second.

function __latch_names
	timeout 1 latch list --names -- (commandline -ct) 2>/dev/null
end

set -l commands acquire release renew run elect inspect list why history watch top clients stats ping revoke kick help

complete -c latch -f
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a acquire -d 'take a lock that outlives latch'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a release -d 'give such a lock back'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a renew -d 'a new lease for such a lock'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a run -d 'run a command while holding a lock'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a elect -d 'keep one of several copies running'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a inspect -d 'who holds a lock, who waits for it'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a list -d 'the locks that are held or waited for'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a why -d 'who waits for whom'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a history -d 'who held it when'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a watch -d 'what happens to a lock'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a top -d 'the server on one screen'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a clients -d 'the connections of the server'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a stats -d 'the counters of the server'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a ping -d 'how long the server takes to answer'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a revoke -d 'take a lock away'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a kick -d 'end a connection'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -a help -d 'what a command takes'
complete -c latch -s S -l server -x -d 'address of the server'
complete -c latch -s h -l help -d 'help'
complete -c latch -n "not __fish_seen_subcommand_from $commands" -s V -l version -d 'version'

set -l named acquire release renew run elect inspect list why history watch revoke
complete -c latch -n "__fish_seen_subcommand_from $named" -a '(__latch_names)'

set -l terms acquire run elect
complete -c latch -n "__fish_seen_subcommand_from $terms" -s n -l nonblock -d 'now or not at all'
complete -c latch -n "__fish_seen_subcommand_from $terms" -s w -l wait -x -d 'wait no longer than that'
complete -c latch -n "__fish_seen_subcommand_from $terms" -s E -l conflict-exit-code -x -d 'exit status where it is not granted'
complete -c latch -n "__fish_seen_subcommand_from $terms" -s q -l quiet -d 'not a word about that'
complete -c latch -n "__fish_seen_subcommand_from $terms" -s s -l shared -d 'together with other shared holders'
complete -c latch -n "__fish_seen_subcommand_from $terms" -l slots -x -d 'at most so many hold it'
complete -c latch -n "__fish_seen_subcommand_from $terms" -l also -x -a '(__latch_names)' -d 'that lock too'
complete -c latch -n "__fish_seen_subcommand_from $terms renew" -l lease -x -d 'yours for that long'
complete -c latch -n "__fish_seen_subcommand_from $terms" -l at-least -x -d "nobody else's for that long"
complete -c latch -n "__fish_seen_subcommand_from $terms" -l note -x -d 'what you do with it'
complete -c latch -n "__fish_seen_subcommand_from $terms" -l as -x -d 'who you are'
complete -c latch -n "__fish_seen_subcommand_from run elect" -l timeout -x -d 'end the command after that'
complete -c latch -n "__fish_seen_subcommand_from run elect" -l on-loss -x -a 'kill term ignore' -d 'what becomes of the command'
complete -c latch -n "__fish_seen_subcommand_from acquire release renew" -l key -x -d 'of acquire'
complete -c latch -n "__fish_seen_subcommand_from release renew revoke" -l token -x -d 'only that grant'
complete -c latch -n "__fish_seen_subcommand_from list" -l names -d 'only the names'
complete -c latch -n "__fish_seen_subcommand_from history" -l at -x -d 'who had it then'
complete -c latch -n "__fish_seen_subcommand_from history" -l limit -x -d 'no more than'
complete -c latch -n "__fish_seen_subcommand_from watch" -l prefix -x -a '(__latch_names)' -d 'all that begin with it'
complete -c latch -n "__fish_seen_subcommand_from ping" -s c -l count -x -d 'so often'
complete -c latch -n "__fish_seen_subcommand_from ping" -l interval -x -d 'so long in between'
complete -c latch -n "__fish_seen_subcommand_from acquire renew inspect list why history watch clients stats ping" -l json -d 'for programs'
