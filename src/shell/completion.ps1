# Completion: fob itself is asked for it at every TAB.
Register-ArgumentCompleter -Native -CommandName 'fob', 'mfa' -ScriptBlock {
    param($word, $command, $cursor)
    # The words as they stand there, without running anything in them.
    $words = @($command.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object {
        if ($_ -is [Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $rest = @($words | Select-Object -Skip 1)
    if ($words[0] -eq 'mfa') { $rest = @('login') + $rest }
    # An empty argument would not arrive everywhere; fob takes a blank for it.
    $last = if ($word) { "$word" } else { ' ' }
    fob complete @rest $last 2>$null | ForEach-Object {
        $value, $text = $_ -split "`t", 2
        # A file: where nothing is returned, PowerShell completes those.
        if ($value -eq '//') { return }
        if (-not $value.StartsWith("$word", [StringComparison]::Ordinal)) { return }
        $typed = if ($value -match '^[\w./:=+-]+$') { $value } else { "'" + $value.Replace("'", "''") + "'" }
        if (-not $text) { $text = $value }
        [Management.Automation.CompletionResult]::new($typed, $value, 'ParameterValue', $text)
    }
}
