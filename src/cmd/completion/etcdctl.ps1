# powershell completion for etcdctl                        -*- shell-script -*-
#
# The program says what may come next. Nothing that was typed is evaluated to ask it: variables are
# replaced, commands are not run.

Register-ArgumentCompleter -Native -CommandName 'etcdctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # The words before the cursor, without their quotes.
    $before = @()
    $typed = ''
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        $text = $element.Extent.Text
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $text = $element.Value
        } elseif ($element -is [System.Management.Automation.Language.VariableExpressionAst]) {
            $text = [string](Get-Variable -Name $element.VariablePath.UserPath -ValueOnly -ErrorAction SilentlyContinue)
        }
        if ($element.Extent.EndOffset -ge $cursorPosition) {
            # The cursor may stand in the middle of it.
            $typed = $text
            $behind = $element.Extent.EndOffset - $cursorPosition
            if ($behind -gt 0 -and $behind -le $typed.Length) {
                $typed = $typed.Substring(0, $typed.Length - $behind)
            }
        } else {
            $before += $text
        }
    }

    $words = @('__complete') + $before
    # Before 7.3 an empty argument gets lost on its way, unless it is written as quotes.
    if ($typed -eq '' -and $PSVersionTable.PSVersion -lt [version]'7.3') {
        $words += '""'
    } else {
        $words += $typed
    }
    $program = 'etcdctl'
    $name = $commandAst.GetCommandName()
    if ($name -and (Get-Command -Name $name -CommandType Application, Function -ErrorAction SilentlyContinue)) {
        $program = $name
    }
    $env:ETCDCTL_COMPLETION_QUOTES = '1'
    try {
        $out = @(& $program @words 2>$null)
    } finally {
        Remove-Item -Path Env:ETCDCTL_COMPLETION_QUOTES -ErrorAction SilentlyContinue
    }
    if ($out.Count -eq 0 -or -not ($out[-1] -match '^:(\d+)$')) { return }
    $directive = [int]$Matches[1]

    # Values are offered without the --flag= before them.
    $flag = ''
    if ($typed -match '^-[^=]*=' -and $before -notcontains '--') { $flag = $Matches[0] }

    $lines = @($out | Select-Object -SkipLast 1)
    if ($lines.Count -eq 0) {
        # Nothing returned is completed as a file; an empty text is completed as nothing.
        if ($directive -band 4) { '' }
        return
    }
    foreach ($line in $lines) {
        $value, $description = $line -split "`t", 2
        if (-not $description) { $description = $value }
        $text = $flag + $value
        if ($text -notmatch '^[A-Za-z0-9/._:=+%^-]+$') {
            $text = "'" + $text.Replace("'", "''") + "'"
        }
        # A part of a key is to be typed on.
        if (-not ($directive -band 2)) { $text += ' ' }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
    }
}
