namespace RingReader;

/// <summary>A ring in one kind of store, and the instant at which an app reads it.</summary>
public sealed record Question
{
    /// <summary>The bytes of a blob (base64).</summary>
    public string? Blob { get; init; }

    /// <summary>A container whose blob `keys.xml` is one of PersistKeysToAzureBlobStorage.</summary>
    public string? Container { get; init; }

    /// <summary>A folder of PersistKeysToFileSystem.</summary>
    public string? Folder { get; init; }

    /// <summary>A list of PersistKeysToStackExchangeRedis.</summary>
    public string? RedisKey { get; init; }

    /// <summary>The schema with the table of PersistKeysToDbContext.</summary>
    public string? Schema { get; init; }

    /// <summary>Makes that table first, as the app's own migrations do.</summary>
    public bool MakesTable { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>Keys to add to the ring, as an app with automatic generation does; then nothing is asked.</summary>
    public int Mints { get; init; }

    /// <summary>Certificates (PFX without a password) that the app has.</summary>
    public string[] Certificates { get; init; } = [];
}

/// <summary>What the app sees and does.</summary>
public sealed record Answer
{
    /// <summary>Null where reading throws: then the app stops, with automatic generation and without.</summary>
    public SeenKey[]? Keys { get; init; }
    public string? Error { get; init; }

    /// <summary>Ids of the keys that were added: without those that the store refused.</summary>
    public Guid[] Minted { get; init; } = [];

    /// <summary>With automatic generation: the default in the ring as it is; whether the app adds a key; or what it throws.</summary>
    public Use? Generating { get; init; }

    /// <summary>Without automatic generation: what the app protects with, or what it throws.</summary>
    public Use? Reading { get; init; }
}

public sealed record SeenKey(Guid Id, DateTimeOffset Created, DateTimeOffset Activated, DateTimeOffset Expires, bool Revoked, bool Readable);

public sealed record Use(Guid? Key, bool Mints, string? Error);
