#include "cli/completion_script.h"

namespace bottle {
namespace {

// bash takes = for the end of a word (COMP_WORDBREAKS): --output=json comes in three, is put together again, and of an answer only what stands behind the
// last = is inserted. compgen -W would expand its words as a command line does: the answers are not given to it.
constexpr const char* kBash = R"(# bash completion for bottle: source <(bottle completion bash)
_bottle() {
  local -a words=()
  local word candidate glue= typed=${COMP_WORDS[COMP_CWORD]}
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ${#words[@]} -gt 0 && ( $word == = || -n $glue ) ]]; then words[-1]+=$word; else words+=("$word"); fi
    [[ $word == = ]] && glue=yes || glue=
  done
  [[ $typed != = ]] || typed=
  local before=${words[-1]%"$typed"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    if [[ $candidate == :files ]]; then
      compopt -o default
    else
      COMPREPLY+=("${candidate#"$before"}")
    fi
  done < <(command bottle __complete "${words[@]}" 2>/dev/null)
}
complete -F _bottle bottle
)";

constexpr const char* kZsh = R"(#compdef bottle
# zsh completion for bottle: source <(bottle completion zsh)
_bottle() {
  local -a lines found
  local line
  lines=("${(@f)$(command bottle __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    if [[ $line == :files ]]; then
      compset -P '-*='
      _files
    else
      found+=("${${line/:/\\:}/$'\t'/:}")
    fi
  done
  (( $#found )) && _describe -V 'bottle' found
}
if [[ $funcstack[1] == _bottle ]]; then
  _bottle "$@"
else
  compdef _bottle bottle
fi
)";

constexpr const char* kFish = R"(# fish completion for bottle: bottle completion fish | source
function __bottle_complete
    set -l typed (commandline -ct)
    set -l words (commandline -opc) "$typed"
    for line in (command bottle __complete $words[2..-1] 2>/dev/null)
        if test "$line" = :files
            set -l before (string match -r -- '^--?[a-z]+=' "$typed")
            for path in (__fish_complete_path (string replace -r -- '^--?[a-z]+=' '' "$typed"))
                printf '%s%s\n' "$before" $path
            end
        else
            printf '%s\n' $line
        end
    end
end
complete -c bottle -f -k -a '(__bottle_complete)'
)";

}  // namespace

const std::vector<std::string>& completion_shells() {
    static const std::vector<std::string> kShells = {"bash", "zsh", "fish"};
    return kShells;
}

std::string completion_script(const std::string& shell) {
    if (shell == "bash") return kBash;
    return shell == "zsh" ? kZsh : kFish;
}

}  // namespace bottle
