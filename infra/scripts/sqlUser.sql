-- The database user of the maintenance identity, with the rights of docs/operations.md, "Rights". Safe to run again.
-- @user: its name. @clientId: client id of the identity. @table: schema and table. @createTable: 1 where the database is new.
-- @owners, @ownersId: name and object id of an Entra group that becomes db_owner; NULL for none.
DECLARE @sid varbinary(16) = CONVERT(varbinary(16), @clientId);
DECLARE @schema sysname = ISNULL(PARSENAME(@table, 2), N'dbo');
DECLARE @name sysname = PARSENAME(@table, 1);
DECLARE @qualified nvarchar(517) = QUOTENAME(@schema) + N'.' + QUOTENAME(@name);
DECLARE @statement nvarchar(max);

-- An identity that was deleted and made again has another client id: its old user is nobody's.
IF EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @user AND sid <> @sid)
BEGIN
  SET @statement = N'DROP USER ' + QUOTENAME(@user) + N';';
  EXEC sys.sp_executesql @statement;
END;

-- By SID and type, the server asks no directory, and the script needs no directory role.
IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @user)
BEGIN
  SET @statement = N'CREATE USER ' + QUOTENAME(@user) + N' WITH SID = ' + CONVERT(nvarchar(34), @sid, 1) + N', TYPE = E;';
  EXEC sys.sp_executesql @statement;
END;

IF @owners IS NOT NULL
BEGIN
  IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @owners)
  BEGIN
    SET @statement = N'CREATE USER ' + QUOTENAME(@owners) + N' WITH SID = '
      + CONVERT(nvarchar(34), CONVERT(varbinary(16), @ownersId), 1) + N', TYPE = X;';
    EXEC sys.sp_executesql @statement;
  END;
  SET @statement = N'ALTER ROLE db_owner ADD MEMBER ' + QUOTENAME(@owners) + N';';
  EXEC sys.sp_executesql @statement;
END;

-- As `dotnet sql-cache create` makes it (docs/settings.md, TOKEN_CACHE_TABLE), in a new database alone.
IF OBJECT_ID(@qualified, N'U') IS NULL AND @createTable = 1
BEGIN
  IF SCHEMA_ID(@schema) IS NULL
  BEGIN
    SET @statement = N'CREATE SCHEMA ' + QUOTENAME(@schema) + N';';
    EXEC sys.sp_executesql @statement;
  END;
  SET @statement = N'CREATE TABLE ' + @qualified + N' (
    Id nvarchar(449) COLLATE SQL_Latin1_General_CP1_CS_AS NOT NULL PRIMARY KEY,
    Value varbinary(max) NOT NULL,
    ExpiresAtTime datetimeoffset(7) NOT NULL,
    SlidingExpirationInSeconds bigint NULL,
    AbsoluteExpiration datetimeoffset(7) NULL,
    INDEX IX_TokenCache_ExpiresAtTime NONCLUSTERED (ExpiresAtTime));';
  EXEC sys.sp_executesql @statement;
END;

IF OBJECT_ID(@qualified, N'U') IS NULL
  THROW 50001, N'The cache table does not exist. Create it (dotnet sql-cache create), or correct sql.table, and deploy again.', 1;

-- ALTER is for the expiry index, VIEW DATABASE STATE for pausing under load.
SET @statement = N'GRANT SELECT, DELETE, ALTER ON ' + @qualified + N' TO ' + QUOTENAME(@user) + N';';
EXEC sys.sp_executesql @statement;
SET @statement = N'GRANT VIEW DATABASE STATE TO ' + QUOTENAME(@user) + N';';
EXEC sys.sp_executesql @statement;
