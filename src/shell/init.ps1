if (-not (Test-Path Variable:global:_fob_before)) { $global:_fob_before = $null }

# mfa [PROFILE] [OPTIONS OF fob login]: logs in, and selects the session profile in this shell.
# mfa -: selects what was selected before the first mfa, or nothing.
function mfa {
    if ($args.Count -eq 1 -and $args[0] -eq '-') {
        if ($null -eq $global:_fob_before) {
            [Console]::Error.WriteLine('mfa: nothing to go back to in this shell')
            return
        }
        $env:AWS_PROFILE = if ($global:_fob_before) { $global:_fob_before } else { $null }
        $global:_fob_before = $null
        return
    }
    if ($MyInvocation.ExpectingInput) { $name = $input | fob mfa-login @args } else { $name = fob mfa-login @args }
    if ($LASTEXITCODE -ne 0) { return }
    # A session profile's name is one word: this is the help.
    if (-not ("$name" -match '^\S+$')) {
        'Usage: mfa [profile] [options]  log in, and select the session profile in this shell'
        '       mfa -                    select what was selected before the first mfa'
        return '', 'mfa runs fob login, and takes its options:', '', $name
    }
    if ($null -eq $global:_fob_before) {
        $global:_fob_before = if ($env:AWS_PROFILE -ceq $name) { '' } else { "$env:AWS_PROFILE" }
    }
    $env:AWS_PROFILE = $name
}

# fob_prompt gives e.g. "work-mfa 3h12m" or "work-mfa expired"; nothing when no session profile is selected. It starts no
# process. Put it where you like: function prompt { "$(fob_prompt) PS $PWD> " }
function fob_prompt {
    if (-not $env:AWS_PROFILE) { return }
    # The name of its file: all but some characters percent-encoded, byte by byte.
    $name = -join ([Text.Encoding]::UTF8.GetBytes($env:AWS_PROFILE) | ForEach-Object {
        if ([string][char]$_ -cmatch '[a-z0-9_@+=.-]') { [char]$_ } else { '%{0:x2}' -f $_ }
    })
    $name = $name -replace '^\.', '%2e'
    $file = if ($env:AWS_SHARED_CREDENTIALS_FILE) { $env:AWS_SHARED_CREDENTIALS_FILE } else { '~/.aws/credentials' }
    # Not what PowerShell takes ~ for: to Windows PowerShell that is a network drive in some companies.
    if ($file -match '^~[/\\]') { $file = Join-Path ([Environment]::GetFolderPath('UserProfile')) $file.Substring(2) }
    $file = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($file)
    $store = if ($env:FOB_HOME) { $env:FOB_HOME } else { Join-Path (Split-Path -Parent $file) 'fob' }
    $file = Join-Path (Join-Path $store 'sessions') $name
    if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { return }
    $header, $session = Get-Content -LiteralPath $file -TotalCount 2 -Encoding UTF8 -ErrorAction SilentlyContinue
    if ("$header" -cnotmatch "^fob1 \d+ $([regex]::Escape($env:AWS_PROFILE))$") { return }
    if (-not ("$session" -match '"Expiration":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')) { return }
    $expiry = [DateTimeOffset]::Parse($Matches[1], [Globalization.CultureInfo]::InvariantCulture)
    $left = $expiry - [DateTimeOffset]::UtcNow
    $text = if ($left.TotalSeconds -le 0) { 'expired' }
        elseif ($left.TotalMinutes -lt 1) { '{0}s' -f [int][Math]::Ceiling($left.TotalSeconds) }
        elseif ($left.TotalHours -lt 1) { '{0}m' -f $left.Minutes }
        else { '{0}h{1}m' -f [int][Math]::Floor($left.TotalHours), $left.Minutes }
    "$env:AWS_PROFILE $text"
}
