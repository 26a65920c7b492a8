# Runs sqlUser.sql as the setup identity. PowerShell brings a client for SQL Server: nothing is downloaded.
$ErrorActionPreference = 'Stop'

# The identity has no role in Azure itself, and so no subscription.
if (-not (Get-AzContext)) { [void](Connect-AzAccount -Identity) }

function Connect-Database {
  $token = (Get-AzAccessToken -ResourceUrl $env:SQL_RESOURCE -AsSecureString).Token | ConvertFrom-SecureString -AsPlainText
  $connection = [System.Data.SqlClient.SqlConnection]::new(
    "Server=tcp:$($env:SQL_HOST),1433;Database=$($env:SQL_DATABASE);Encrypt=true;TrustServerCertificate=false;Connect Timeout=30")
  $connection.AccessToken = $token
  $connection.Open()
  $connection
}

# A server, its private name and a role assignment are known everywhere only after a while.
for ($attempt = 1; ; $attempt++) {
  try {
    $connection = Connect-Database
    break
  } catch {
    if ($attempt -ge 10) { throw }
    Write-Output "Attempt $attempt failed: $($_.Exception.Message) Trying again in 30 seconds."
    Start-Sleep -Seconds 30
  }
}

try {
  $command = $connection.CreateCommand()
  $command.CommandText = $env:SQL_STATEMENTS
  $command.CommandTimeout = 120
  $values = @{
    user        = $env:SQL_USER
    clientId    = [guid]$env:SQL_USER_CLIENT_ID
    table       = $env:SQL_TABLE
    createTable = [bool]($env:SQL_CREATE_TABLE -eq 'true')
    owners      = if ($env:SQL_OWNERS) { $env:SQL_OWNERS } else { [DBNull]::Value }
    ownersId    = if ($env:SQL_OWNERS_ID) { [guid]$env:SQL_OWNERS_ID } else { [DBNull]::Value }
  }
  foreach ($name in $values.Keys) { [void]$command.Parameters.AddWithValue("@$name", $values[$name]) }
  $command.Parameters['@owners'].SqlDbType = [System.Data.SqlDbType]::NVarChar
  $command.Parameters['@ownersId'].SqlDbType = [System.Data.SqlDbType]::UniqueIdentifier
  [void]$command.ExecuteNonQuery()
  Write-Output "The user $($env:SQL_USER) has its rights on $($env:SQL_TABLE)."
} finally {
  $connection.Dispose()
}
