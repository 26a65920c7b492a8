using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace RingReader;

/// <summary>The context of an app that keeps its keys with PersistKeysToDbContext.</summary>
public sealed class KeysContext(DbContextOptions<KeysContext> options) : DbContext(options), IDataProtectionKeyContext
{
    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();
}

/// <summary>Tables DataProtectionKeys on a PostgreSQL, in a schema each: one connection is switched from one to the other.</summary>
public sealed class Tables(string connectionString) : IDisposable
{
    private readonly Lazy<(NpgsqlConnection Connection, ServiceProvider Services)> _opened = new(() =>
    {
        var connection = new NpgsqlConnection(connectionString);
        connection.Open();
        return (connection, new ServiceCollection().AddDbContext<KeysContext>(options => options.UseNpgsql(connection)).BuildServiceProvider());
    });

    public IXmlRepository Repository(string schema, bool makesTable)
    {
        var (connection, services) = _opened.Value;
        using (var command = new NpgsqlCommand("select set_config('search_path', quote_ident($1), false)", connection))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = schema });
            command.ExecuteNonQuery();
        }
        if (makesTable)
        {
            using var scope = services.CreateScope();
            scope.ServiceProvider.GetRequiredService<KeysContext>().GetService<IRelationalDatabaseCreator>().CreateTables();
        }
        return new EntityFrameworkCoreXmlRepository<KeysContext>(services, NullLoggerFactory.Instance);
    }

    public void Dispose()
    {
        if (!_opened.IsValueCreated) return;
        _opened.Value.Services.Dispose();
        _opened.Value.Connection.Dispose();
    }
}
