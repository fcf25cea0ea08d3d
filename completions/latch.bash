# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Completion of latch(1) for bash: subcommands, options, and the names of locks where the server
# answers within a second.

# What follows -S on the command line, so that the names are those of that server.
_latch_server() {
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-S | --server) printf '%s' "${COMP_WORDS[i + 1]}${COMP_WORDS[i + 2]}${COMP_WORDS[i + 3]}" ;;
		esac
	done
}

# Blanks and the like are escaped by readline, since these are marked as file names.
_latch_names() { # PREFIX
	local server names name

	server=$(_latch_server)
	[ -z "$server" ] || local -x LATCH_SERVER=$server
	mapfile -t names < <(timeout 1 "${_latch_program:-latch}" list --names -- "$1" 2>/dev/null)
	for name in "${names[@]}"; do
		COMPREPLY+=("$(printf '%q' "$name")")
	done
}

_latch_options() { # COMMAND
	local terms='--nonblock --wait --conflict-exit-code --quiet --shared --slots --lease --at-least --note --as --also'

	case $1 in
	acquire) printf '%s' "$terms --key --json" ;;
	run | elect) printf '%s' "$terms --timeout --on-loss" ;;
	release) printf '%s' '--key --token' ;;
	renew) printf '%s' '--key --token --lease --json' ;;
	list) printf '%s' '--names --json' ;;
	history) printf '%s' '--at --limit --json' ;;
	watch) printf '%s' '--prefix --json' ;;
	ping) printf '%s' '--count --interval --json' ;;
	inspect | why | clients | stats) printf '%s' '--json' ;;
	revoke) printf '%s' '--token' ;;
	esac
	printf '%s' ' --server --help'
}

# The subcommand on the command line, or nothing where it is the word that is being completed.
_latch_command() {
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-S | --server) i=$((i + 1)) ;;
		-*) ;;
		*)
			[[ " $_latch_commands " != *" ${COMP_WORDS[i]} "* ]] || printf '%s' "${COMP_WORDS[i]}"
			return
			;;
		esac
	done
}

_latch_commands='acquire release renew run elect inspect list why history watch top clients stats ping revoke kick help'

_latch() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command

	COMPREPLY=()
	command=$(_latch_command)
	if [ -z "$command" ] || [ "$command" = help ]; then
		mapfile -t COMPREPLY < <(compgen -W "$_latch_commands --help --version --server" -- "$current")
		return
	fi
	case $previous in
	--also | --prefix)
		_latch_names "$current"
		return
		;;
	--on-loss)
		mapfile -t COMPREPLY < <(compgen -W 'kill term ignore' -- "$current")
		return
		;;
	-w | -E | -S | -c | --wait | --conflict-exit-code | --slots | --lease | --at-least | --note | --as | --key | \
		--token | --at | --limit | --count | --interval | --timeout | --server)
		return
		;;
	esac
	case $current in
	-*) mapfile -t COMPREPLY < <(compgen -W "$(_latch_options "$command")" -- "$current") ;;
	*)
		case $command in
		clients | stats | ping | kick | top) ;;
		*) _latch_names "$current" ;;
		esac
		;;
	esac
}

complete -F _latch latch
