/** The shells for which there is completion. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * What a shell loads. Each asks the program itself (`aks-secrets __complete WORDS…`), so that one place knows commands,
 * flags and names. It answers a line per candidate, with a tab before its explanation, or `:files` or `:folders`.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# Completion of aks-secrets for bash. To load it in every shell:
#   aks-secrets completion bash > ~/.local/share/bash-completion/completions/aks-secrets
_aks_secrets() {
  local current=\${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "\${current#=}") ;;
      :folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "\${current#=}") ;;
      *)
        line=\${line%%$'\\t'*}
        # Bash has broken the word at its "=" and completes what stands behind it.
        [[ $COMP_WORDBREAKS == *=* && $line == --*=* ]] && line=\${line#*=}
        COMPREPLY+=("$line")
        ;;
    esac
  done < <(aks-secrets __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _aks_secrets aks-secrets
`,
  zsh: `#compdef aks-secrets
# Completion of aks-secrets for zsh. To load it in every shell, into a folder of $fpath:
#   aks-secrets completion zsh > "\${fpath[1]}/_aks-secrets"
_aks_secrets() {
  local line
  local -a described
  while IFS= read -r line; do
    case $line in
      :files) _files; return ;;
      :folders) _files -/; return ;;
      *$'\\t'*) described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) described+=("\${line//:/\\\\:}") ;;
    esac
  done < <(aks-secrets __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'aks-secrets' described
}
if [ "$funcstack[1]" = _aks_secrets ]; then _aks_secrets; else compdef _aks_secrets aks-secrets; fi
`,
  fish: `# Completion of aks-secrets for fish. To load it in every shell:
#   aks-secrets completion fish > ~/.config/fish/completions/aks-secrets.fish
function __aks_secrets
    set -l words (commandline --tokenize --cut-at-cursor --current-process) (commandline --current-token)
    for line in (aks-secrets __complete $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline --current-token)
            case :folders
                __fish_complete_directories (commandline --current-token)
            case '*'
                echo $line
        end
    end
end
complete --command aks-secrets --no-files --arguments '(__aks_secrets)'
`,
  powershell: `# Completion of aks-secrets for PowerShell. To load it in every shell, in the file $PROFILE:
#   aks-secrets completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName aks-secrets -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    # A blank stands for an empty last word: older versions drop empty arguments of programs.
    $last = if ($wordToComplete) { $wordToComplete } else { ' ' }
    & aks-secrets __complete @words $last 2>$null | ForEach-Object {
        if ($_ -eq ':files' -or $_ -eq ':folders') { return [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete) }
        $word, $says = $_ -split "\`t", 2
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $(if ($says) { $says } else { $word }))
    }
}
`,
};
