namespace DataProtectionInterop;

/// <summary>What the program is asked: a ring, an instant, and what to do with them.</summary>
public sealed record Request
{
    public required string Op { get; init; }

    /// <summary>The ring, as elements of XML.</summary>
    public string[] Elements { get; init; } = [];

    /// <summary>The ring, as a folder of PersistKeysToFileSystem. Takes the place of Elements.</summary>
    public string? Folder { get; init; }

    /// <summary>The ring, as a list in this Redis (host and port). Takes the place of Elements.</summary>
    public string? Redis { get; init; }

    /// <summary>The instant at which a consumer reads the ring.</summary>
    public DateTimeOffset Now { get; init; }

    public bool AutomaticGeneration { get; init; }
    public string ApplicationName { get; init; } = "token-cache-fixture";
    public string Purpose { get; init; } = "fixture";

    /// <summary>The first protects new keys, all unprotect.</summary>
    public Pfx[] Certificates { get; init; } = [];

    /// <summary>Private keys (PEM) that stand in for a vault's, by full key identifier.</summary>
    public Dictionary<string, string> VaultKeys { get; init; } = [];
    public string[] Protect { get; init; } = [];
    public string[] Unprotect { get; init; } = [];

    /// <summary>For "write": what to do with the ring, one after the other.</summary>
    public Step[] Steps { get; init; } = [];

    /// <summary>For "tokenCache": the entries that are cached already (base64), and the token that the provider would issue.</summary>
    public Dictionary<string, string> Cached { get; init; } = [];
    public string? Token { get; init; }

    /// <summary>For "tokenCache": Encrypt of MsalDistributedTokenCacheAdapterOptions.</summary>
    public bool Encrypt { get; init; } = true;
}

public sealed record Pfx(string Path, string Password);

/// <summary>One of: create a key, revoke one, revoke all created before an instant.</summary>
public sealed record Step
{
    public DateTimeOffset? Activation { get; init; }
    public DateTimeOffset? Expiration { get; init; }
    public Guid? Revoke { get; init; }
    public DateTimeOffset? RevokeAllBefore { get; init; }
}

public sealed record Answer
{
    /// <summary>The default that the shipped rule finds in the ring as it was given.</summary>
    public Guid? ResolvedKeyId { get; init; }

    /// <summary>The key that the consumer protects with in the end: the default, one that it minted, or its fallback.</summary>
    public Guid? DefaultKeyId { get; init; }

    /// <summary>Ids of keys that the consumer added to the ring by itself.</summary>
    public Guid[] Minted { get; init; } = [];
    public string[] Protected { get; init; } = [];
    public string?[] Unprotected { get; init; } = [];
    public string? Error { get; init; }
    public string[] Elements { get; init; } = [];
    public Dictionary<string, string> Cached { get; init; } = [];
    public string? Token { get; init; }
    public bool? FromCache { get; init; }
}
