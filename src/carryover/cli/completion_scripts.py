"""The scripts that complete `carryover` in bash, zsh and fish, made from the definition of the commands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from carryover.cli.definition import Argument, Command

ASKED: Final = ("sessions", "agents", "projects", "settings", "times")
"""Kinds of values that the scripts ask `carryover` for."""

_FOLDERS: Final = ("projects", "folders")


def script(shell: str, program: Command, commands: Sequence[Command]) -> str:
    """The script for `shell`: bash, zsh or fish."""
    make = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]
    return "\n".join(make(program, commands)) + "\n"


def _name(command: Command) -> str:
    return command.name.partition(" ")[2]


def _flags(arguments: Iterable[Argument]) -> str:
    return " ".join(flag for argument in arguments for flag in argument.flags)


_BASH: Final = """\
# bash completion of carryover: eval "$(carryover completions bash)"
_carryover_ask() {
  local value _ quoted
  while IFS=$'\\t' read -r value _; do
    quoted=$value
    if [[ $value == *[!A-Za-z0-9_,./~:@%+-]* ]]; then
      quoted=$(printf %q "${value#"~/"}")
      if [[ $value == "~/"* ]]; then quoted="~/$quoted"; fi
    fi
    COMPREPLY+=("$quoted")
  done < <(carryover completions --values "$1" "$2" 2>/dev/null)
}
_carryover_value() {
  case $1 in
    choices) COMPREPLY=($(compgen -W "$3" -- "$2")) ;;
    folders) compopt -o dirnames 2>/dev/null ;;
    files) compopt -o default 2>/dev/null ;;
    projects) _carryover_ask projects "$2"; ((${#COMPREPLY[@]})) || compopt -o dirnames 2>/dev/null ;;
    ?*) _carryover_ask "$1" "$2" ;;
  esac
}
_carryover() {
  local current=$2 previous=$3 command= place=0 word number valued
  valued=VALUED
  COMPREPLY=()
  if [[ $current == = ]]; then current=; previous=${COMP_WORDS[COMP_CWORD - 1]}; fi
  if [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((number = 1; number < COMP_CWORD; number++)); do
    word=${COMP_WORDS[number]}
    if [[ $valued == *" $command:$word "* ]]; then
      ((number += 1))
      if [[ ${COMP_WORDS[number]} == = ]]; then ((number += 1)); fi
      continue
    fi
    if [[ $word == -* ]]; then continue; fi
    if [[ -z $command ]]; then command=$word; else ((place += 1)); fi
  done
  case $command:$previous in"""


def _bash(program: Command, commands: Sequence[Command]) -> Iterator[str]:
    taking = [(one, flag) for one in commands for option in one.options if option.value for flag in option.flags]
    valued = [f"{_name(command)}:{flag}" for command, flag in taking]
    yield _BASH.replace("VALUED", f'" {" ".join(valued)} "')
    for command in commands:
        for option in command.options:
            if option.value:
                patterns = "|".join(f"{_name(command)}:{flag}" for flag in option.flags)
                choices = f' "{" ".join(option.choices)}"' if option.choices else ""
                yield f'    {patterns}) _carryover_value "{option.kind}" "$current"{choices}; return ;;'
    yield "  esac"
    yield "  if [[ $current == -* ]]; then"
    yield "    case $command in"
    for command in (program, *commands):
        yield f'      "{_name(command)}") word="{_flags(command.options)}" ;;'
    yield "      *) word= ;;"
    yield "    esac"
    yield '    COMPREPLY=($(compgen -W "$word" -- "$current"))'
    yield "    return"
    yield "  fi"
    yield "  case $command:$place in"
    names = " ".join(_name(command) for command in commands)
    yield f'    :0) COMPREPLY=($(compgen -W "{names}" -- "$current")) ;;'
    for command in commands:
        for place, operand in enumerate(command.operands):
            choices = f' "{" ".join(operand.choices)}"' if operand.choices else ""
            where = f"{_name(command)}:*" if operand.repeated else f"{_name(command)}:{place}"
            yield f'    {where}) _carryover_value "{operand.kind}" "$current"{choices} ;;'
    yield "  esac"
    yield "}"
    yield "complete -F _carryover carryover"


_ZSH: Final = """\
#compdef carryover
# zsh completion of carryover: eval "$(carryover completions zsh)"
_carryover_ask() {
  local line value
  local -a found
  for line in "${(@f)$(carryover completions --values $1 "$PREFIX" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    value=${line%%$'\\t'*}
    found+=("${value//:/\\\\:}:${line#*$'\\t'}")
  done
  _describe -t $1 $1 found
}
_carryover_project() {
  _carryover_ask projects || _files -/
}
_carryover() {
  local curcontext=$curcontext state line
  local -a commands
  commands=("""

_ZSH_ACTIONS: Final = {"projects": "_carryover_project", "folders": "_files -/", "files": "_files"}


def _zsh(program: Command, commands: Sequence[Command]) -> Iterator[str]:
    yield _ZSH
    yield from (f"    {_single(f'{_name(command)}:{command.summary}')}" for command in commands)
    yield "  )"
    yield "  _arguments -C \\"
    yield from (f"    {spec} \\" for option in program.options for spec in _zsh_option(option))
    yield "    '1:command:->command' '*::argument:->argument' && return"
    yield "  case $state in"
    yield "    command) _describe -t commands command commands ;;"
    yield "    argument)"
    yield "      case $words[1] in"
    for command in commands:
        yield f"        {_name(command)})"
        specs = [*(spec for option in command.options for spec in _zsh_option(option)), *_zsh_operands(command)]
        yield "          _arguments \\"
        yield " \\\n".join(f"            {spec}" for spec in specs)
        yield "          ;;"
    yield "      esac ;;"
    yield "  esac"
    yield "}"
    yield 'if [[ $funcstack[1] == _carryover ]]; then _carryover "$@"; else compdef _carryover carryover; fi'


def _zsh_option(option: Argument) -> Iterator[str]:
    text = option.help.replace("\\", "").replace("[", "(").replace("]", ")").replace(":", "\\:")
    for flag in option.flags:
        if not option.value:
            yield _single(f"{flag}[{text}]")
        else:
            equals = "=" if flag.startswith("--") else ""
            yield _single(f"{flag}{equals}[{text}]:{option.value}:{_zsh_action(option)}")


def _zsh_operands(command: Command) -> Iterator[str]:
    for place, operand in enumerate(command.operands, 1):
        yield _single(f"{'*' if operand.repeated else place}:{operand.value}:{_zsh_action(operand)}")


def _zsh_action(argument: Argument) -> str:
    if argument.choices:
        return f"({' '.join(argument.choices)})"
    if argument.kind in _ZSH_ACTIONS:
        return _ZSH_ACTIONS[argument.kind]
    # With a blank in front, zsh adds no arguments to the call.
    return f" _carryover_ask {argument.kind}" if argument.kind in ASKED else " "


_FISH: Final = """\
# fish completion of carryover: carryover completions fish > ~/.config/fish/completions/carryover.fish
function __carryover_ask
    carryover completions --values $argv[1] (commandline -ct | string replace -r '^--[^=]*=' '') 2>/dev/null
end
complete -c carryover -f"""


def _fish(program: Command, commands: Sequence[Command]) -> Iterator[str]:
    yield _FISH
    first = "-n __fish_use_subcommand"
    for option in program.options:
        yield f"complete -c carryover {first} {_fish_option(option)}"
    for command in commands:
        yield f"complete -c carryover {first} -a {_name(command)} -d {_fish_text(command.summary)}"
    for command in commands:
        within = f"-n '__fish_seen_subcommand_from {_name(command)}'"
        for option in command.options:
            yield f"complete -c carryover {within} {_fish_option(option)}"
        for operand in command.operands[:1]:
            yield f"complete -c carryover {within} {_fish_values(operand)}"


def _fish_option(option: Argument) -> str:
    names = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    takes = f" -r {_fish_values(option)}" if option.value else ""
    return f"{names}{takes} -d {_fish_text(option.help)}"


def _fish_values(argument: Argument) -> str:
    """What is offered for an argument; without `-F` fish offers no files."""
    if argument.choices:
        return f"-f -a {_fish_text(' '.join(argument.choices))}"
    asked = f" -a '(__carryover_ask {argument.kind})'" if argument.kind in ASKED else ""
    folders = " -a '(__fish_complete_directories)'" if argument.kind in _FOLDERS else ""
    return "-F" if argument.kind == "files" else f"-f{asked}{folders}"


def _single(text: str) -> str:
    """`text` quoted for a POSIX shell and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
