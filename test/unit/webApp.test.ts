/** How a web app's source is read: from where, how far, and what is left unknown. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import yazl from 'yazl';
import { diagnoseWebApps } from '../../src/lib/app/webAppDiagnosis.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readSettings } from '../../src/lib/settings/settings.ts';
import { readSources } from '../../src/lib/webApp/sources/sources.ts';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function write(files: Record<string, string | Buffer>): string {
  const folder = mkdtempSync(join(tmpdir(), 'web-app-'));
  made.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

async function troubles(path: string, env: Record<string, string> = {}) {
  const apps = await diagnoseWebApps(path, readSettings(env, 'file'), systemClock);
  return apps.flatMap(({ reports }) => reports).filter(({ status }) => status !== 'pass');
}

/** One cache of the settings. */
const cacheOf = (connectionString: string, more: object) => ({
  TOKEN_CACHES: JSON.stringify([{ name: 'web', connectionStringSetting: 'CACHE', ...more }]),
  CACHE: connectionString,
});

async function found(files: Record<string, string | Buffer>, env: Record<string, string> = {}): Promise<string[]> {
  return (await troubles(write(files), env)).map(({ check, cause }) => `${check} ${cause}`);
}

const options = `builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(options => {
    options.SlidingExpiration = TimeSpan.FromDays(1);
    options.OnL2CacheFailure = _ => false;
});`;
const signIn = `var builder = WebApplication.CreateBuilder(args);
var auth = builder.Services.AddAuthentication("oidc").AddMicrosoftIdentityWebApp(builder.Configuration)
    .EnableTokenAcquisitionToCallDownstreamApi(["User.Read"]);`;
const redis = `builder.Services.AddStackExchangeRedisCache(o => { o.Configuration = "r.example.com,ssl=True,abortConnect=False"; o.InstanceName = "web:"; });`;
const sound = [signIn, 'auth.AddDistributedTokenCaches();', redis, options].join('\n');
const program = (...lines: string[]) => ({ 'Program.cs': lines.join('\n') });

describe('the source of a web app', () => {
  it('is a folder, a zip of it, a project or one file', async () => {
    const files = {
      'src/Web/Program.cs': sound.replace('auth.AddDistributed', 'auth.AddInMemory'),
      'src/Web/Web.csproj': '<Project/>',
    };
    const folder = write(files);
    const zip = new yazl.ZipFile();
    for (const [path, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), path);
    zip.end();
    writeFileSync(join(folder, 'app.zip'), await buffer(zip.outputStream));
    const expected = [
      expect.objectContaining({ check: 'app-memory-cache', what: expect.stringContaining('Program.cs:4') }),
    ];
    for (const path of ['.', 'app.zip', 'src/Web/Web.csproj', 'src/Web/Program.cs'])
      expect(await troubles(join(folder, path)), path).toEqual(expected);
  });

  it('is read no further than its folder: links are left out, and told', async () => {
    const outside = write({ 'Secret.cs': 'services.AddInMemoryTokenCaches();' });
    const folder = write(program(sound));
    symlinkSync(outside, join(folder, 'linked'));
    symlinkSync(join(outside, 'Secret.cs'), join(folder, 'Linked.cs'));
    const { files, leftOut } = await readSources(folder, 1_000_000);
    expect(files.map(({ path }) => path)).toEqual(['Program.cs']);
    expect(leftOut).toEqual(['the link Linked.cs', 'the link linked']);
  });

  it('is read within a limit of bytes, and what goes beyond is told', async () => {
    const folder = write({ ...program(sound), 'Z.cs': 'x'.repeat(5_000) });
    const { files, leftOut } = await readSources(folder, 2_000);
    expect(files.map(({ path }) => path)).toEqual(['Program.cs']);
    expect(leftOut).toEqual(['what goes beyond 2.0 kB of source']);
  });

  it('may be UTF-16, as Visual Studio writes it', async () => {
    const text = Buffer.from(`\ufeff${sound}`, 'utf16le');
    expect(await found({ 'Program.cs': text })).toEqual([]);
  });

  it.each(['nowhere', 'notes.txt'])('that is none is refused: %s', async (path) => {
    const folder = write({ 'notes.txt': 'x' });
    await expect(readSources(join(folder, path), 1_000)).rejects.toMatchObject({ code: 'app_unreadable' });
  });

  it('without any token cache is unknown', async () => {
    expect(await found(program('Console.WriteLine("hello");'))).toEqual(['app-token-cache no_token_cache_found']);
  });

  it('of several projects is one app each, with the projects that it references; tests are none', async () => {
    const project = (...inner: string[]) =>
      `<Project Sdk="Microsoft.NET.Sdk.Web"><ItemGroup>${inner.join('')}</ItemGroup></Project>`;
    const folder = write({
      'web/Web.csproj': project('<ProjectReference Include="..\\shared\\Shared.csproj" />'),
      'web/Program.cs': [signIn, 'builder.AddCache();'].join('\n'),
      'shared/Shared.csproj': project(),
      'shared/Cache.cs': `static class Cache { public static void AddCache(this WebApplicationBuilder builder) {
        builder.Services.AddDistributedTokenCaches();\n${redis}\n${options} } }`,
      'api/Api.csproj': project(),
      'api/Program.cs':
        'services.AddMicrosoftIdentityWebApi(c).EnableTokenAcquisitionToCallDownstreamApi().AddInMemoryTokenCaches();',
      'tests/Tests.csproj': project('<PackageReference Include="xunit" Version="2.9.0" />'),
      'tests/Test.cs': 'services.AddInMemoryTokenCaches(); services.AddAuthentication();',
    });
    expect(await troubles(folder)).toEqual([
      expect.objectContaining({ check: 'app-memory-cache', subject: 'app api/Api.csproj' }),
    ]);
  });
});

describe('code', () => {
  it('that does not parse in part is read in the rest', async () => {
    expect(await found({ ...program(sound), 'Other.cs': 'class Constants { const int x = ; %% }' })).toEqual([]);
    expect(
      await found(program(sound, 'class Broken { void M() { services.AddStackExchangeRedisCache((( %% } }')),
    ).toContain('app-source code_not_parsed');
  });

  it.each([
    [
      'an if',
      `if (builder.Environment.IsDevelopment()) { auth.AddInMemoryTokenCaches(); } else { auth.AddDistributedTokenCaches(); ${redis} }`,
    ],
    ['its opposite', `if (!builder.Environment.IsDevelopment()) { ${redis} }\nauth.AddDistributedTokenCaches();`],
    [
      'a name',
      `if (builder.Environment.EnvironmentName == "Development") auth.AddInMemoryTokenCaches();\nelse auth.AddDistributedTokenCaches();\n${redis}`,
    ],
    [
      'a variable',
      `var isDev = builder.Environment.IsDevelopment() || args.Contains("--dev") && false;\nif (isDev) { auth.AddInMemoryTokenCaches(); }\nauth.AddDistributedTokenCaches();\n${redis}`,
    ],
    [
      'a conditional expression',
      `_ = builder.Environment.IsProduction() ? auth.AddDistributedTokenCaches() : auth.AddInMemoryTokenCaches();\n${redis}`,
    ],
    [
      'a symbol',
      `#if DEBUG\nauth.AddInMemoryTokenCaches();\n#else\nauth.AddDistributedTokenCaches();\n#endif\n${redis}`,
    ],
    ['both sides alike', `if (args.Length > 0) { ${redis} } else { ${redis} }\nauth.AddDistributedTokenCaches();`],
    [
      'one condition twice',
      `var use = args.Length > 0;\nif (use) ${redis}\nauth.AddDistributedTokenCaches();\nif (!use) ${redis}`,
    ],
  ])('is read as it runs in production: %s', async (_, lines) => {
    expect(await found(program(signIn, lines, options))).toEqual([]);
  });

  it('that a run alone decides is unknown', async () => {
    const one = await troubles(
      write(program(signIn, 'auth.AddDistributedTokenCaches();', `if (args.Length > 0)\n${redis}`, options)),
    );
    expect(one).toEqual([
      expect.objectContaining({
        check: 'app-distributed-cache',
        cause: 'depends_on_condition',
        what: expect.stringContaining('Program.cs:5'),
      }),
    ]);
    const either = `switch (args[0]) { case "redis": ${redis} break; default: builder.Services.AddDistributedSqlServerCache(o => { o.ExpiredItemsDeletionInterval = TimeSpan.MaxValue; o.ConnectionString = "Server=s;Database=d;User ID=a;Password=b"; }); break; }`;
    expect(await found(program(signIn, 'auth.AddDistributedTokenCaches();', either, options))).toEqual([]);
  });

  it('that is not in the source may hold what is missing', async () => {
    const all = await troubles(
      write(program(signIn, 'auth.AddDistributedTokenCaches();', 'builder.AddCompanyDefaults();', options)),
    );
    expect(all.map(({ check }) => check)).toEqual(['app-distributed-cache', 'app-encryption', 'app-l1-cache']);
    for (const { cause, what } of all)
      expect([cause, what]).toEqual(['own_extension', expect.stringContaining('`AddCompanyDefaults` (Program.cs:5)')]);
  });

  it('may call methods that are named as what every object of JavaScript has', async () => {
    const calls = ['toString', 'constructor', 'valueOf'].map(
      (name) => `Helper.${name}(o => { o.FromX = 1; }); var ${name} = TimeSpan.${name}(1);`,
    );
    expect(await found(program(sound, ...calls))).toEqual(await found(program(sound)));
  });

  it('that hands options on is followed, or unknown', async () => {
    const handed = (body: string) =>
      program(
        signIn,
        'auth.AddDistributedTokenCaches();',
        redis,
        `builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(Defaults.Apply);`,
        body,
      );
    expect(
      await found(
        handed(
          'static class Defaults { public static void Apply(MsalDistributedTokenCacheAdapterOptions o) { o.SlidingExpiration = TimeSpan.FromMinutes(5); o.OnL2CacheFailure = _ => false; } }',
        ),
      ),
    ).toEqual(['app-expiry expiry_shorter_than_token']);
    expect(
      await found(
        program(
          signIn,
          'auth.AddDistributedTokenCaches();',
          redis,
          'builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(o => Elsewhere.Apply(o));',
        ),
      ),
    ).toEqual(
      ['app-encryption', 'app-cache-failure', 'app-expiry', 'app-l1-cache'].map((check) => `${check} own_extension`),
    );
  });

  it('may be a class that configures the options', async () => {
    const files = {
      ...program(
        signIn,
        'auth.AddDistributedTokenCaches();',
        redis,
        'builder.Services.ConfigureOptions<CacheSetup>();',
      ),
      'CacheSetup.cs':
        'class CacheSetup : IConfigureOptions<MsalDistributedTokenCacheAdapterOptions> { public void Configure(MsalDistributedTokenCacheAdapterOptions options) { options.DisableL1Cache = true; options.SlidingExpiration = new TimeSpan(2, 0, 0); options.OnL2CacheFailure = _ => true; } }',
    };
    expect(await found(files)).toEqual(['app-l1-cache l1_cache_off']);
  });
});

describe('C# of many forms', () => {
  const rest = (line: string) => [signIn, 'auth.AddDistributedTokenCaches();', redis, line];
  const adapter = 'MsalDistributedTokenCacheAdapterOptions';

  it('may be an extension block', async () => {
    const files = {
      ...program(signIn, 'auth.AddDistributedTokenCaches();', 'builder.AddCaches();'),
      'Setup.cs':
        `static class Setup { extension(WebApplicationBuilder app) { public WebApplicationBuilder AddCaches() { ${redis} ${options} return app; } } }`.replaceAll(
          'builder.',
          'app.',
        ),
    };
    expect(await found(files)).toEqual([]);
  });

  it('may set several options at once', async () => {
    const set = (values: string) =>
      program(
        ...rest(`builder.Services.Configure<${adapter}>(o => (o.SlidingExpiration, o.OnL2CacheFailure) = ${values});`),
      );
    expect(await found(set('(TimeSpan.FromDays(1), _ => false)'))).toEqual([]);
    expect(await found(set('(TimeSpan.FromMinutes(9), _ => throw new Exception())'))).toEqual([
      'app-cache-failure callback_throws',
      'app-expiry expiry_shorter_than_token',
    ]);
    expect(await found(set('Somewhere.Else()'))).toEqual([
      'app-cache-failure built_at_run_time',
      'app-expiry built_at_run_time',
    ]);
  });

  it('may read the configuration by any name', async () => {
    const lambda = `builder.Services.AddOptions<${adapter}>().Configure<IConfiguration>((o, c) => { o.SlidingExpiration = c.GetValue<TimeSpan>("Ttl"); o.OnL2CacheFailure = _ => false; });`;
    const method = 'Setup.Add(builder.Services, builder.Configuration);';
    const files = {
      'appsettings.json': '{ "Ttl": "00:05:00" }',
      'Setup.cs': `static class Setup { public static void Add(IServiceCollection s, IConfiguration c) => s.Configure<${adapter}>(o => { o.SlidingExpiration = TimeSpan.Parse(c["Ttl"]!); o.OnL2CacheFailure = _ => false; }); }`,
    };
    for (const line of [lambda, method])
      expect(await found({ ...program(...rest(line)), ...files }), line).toEqual([
        'app-expiry expiry_shorter_than_token',
      ]);
  });

  it('may put a text together', async () => {
    const text = (more: string) =>
      program(
        signIn,
        'auth.AddDistributedTokenCaches();',
        `builder.Services.AddStackExchangeRedisCache(o => o.Configuration = $"{Names.Host}:6380,ssl=True${more}");`,
        'static class Names { public const string Host = "r.example.com"; }',
        options,
      );
    expect(await found(text(',abortConnect=False'))).toEqual([]);
    expect(await found(text(''))).toEqual(['app-connection-string abort_connect']);
    expect(await found(text(',password={secret}'))).toEqual(['app-connection-string built_at_run_time']);
  });

  it('may be an app of MSAL alone, or a daemon by the factory', async () => {
    const msal = program(
      'IConfidentialClientApplication app = ConfidentialClientApplicationBuilder.Create("c").Build();',
      `app.AddDistributedTokenCache(services => { ${redis.replace('builder.S', 's')} ${options.replace('builder.S', 's')} });`,
    );
    expect(await found(msal)).toEqual([]);
    expect(
      await found(program('var factory = TokenAcquirerFactory.GetDefaultInstance();', 'factory.Build();')),
    ).toEqual([]);
  });
});

/** Found on public apps, and made anew. */
describe('what public apps do', () => {
  it('may be a token cache of their own', async () => {
    expect(
      await found(program(signIn, 'builder.Services.AddSingleton<IMsalTokenCacheProvider, DatabaseTokenCache>();')),
    ).toEqual([]);
  });

  it('may be scopes in a field that the constructor fills, and a section by its Value', async () => {
    const files = {
      ...program(
        signIn.replace('["User.Read"]', 'builder.Configuration.GetSection("Todo:Scope").Value.Split(\' \')'),
        'auth.AddDistributedTokenCaches();',
        redis,
        options,
      ),
      'Todo.cs':
        'class Todo { private readonly string _scope = string.Empty; public Todo(ITokenAcquisition t, IConfiguration configuration) { _scope = configuration["Todo:Scope"]; } Task Get() => t.GetAccessTokenForUserAsync(new[] { _scope }); }',
      'appsettings.json': '{ "Todo": { "Scope": "api://todo/access" } }',
    };
    expect(await found(files)).toEqual([]);
    expect(await found({ ...files, 'appsettings.json': '{}' })).toEqual(['app-scopes scopes_at_run_time']);
  });

  it('may be guards that throw', async () => {
    const files = {
      ...program(signIn, 'auth.AddDistributedTokenCaches();', 'builder.Services.AddCache(args[0]);'),
      'Cache.cs': `static class Cache { public static void AddCache(this IServiceCollection services, string kind) {
        if (services == null) { throw new ArgumentNullException(nameof(services)); }
        switch (kind) { case "redis": ${redis.replace('builder.S', 's')} break; case "none": throw new NotSupportedException(); default: throw new InvalidOperationException(); }
        ${options.replace('builder.S', 's')} } }`,
    };
    expect(await found(files)).toEqual([]);
  });

  it('may be the libraries as source', async () => {
    const files = {
      'web/Web.csproj':
        '<Project><ItemGroup><ProjectReference Include="../src/Microsoft.Identity.Web/Microsoft.Identity.Web.csproj" /></ItemGroup></Project>',
      'web/Program.cs': sound,
      'src/Microsoft.Identity.Web/Microsoft.Identity.Web.csproj': '<Project/>',
      'src/Microsoft.Identity.Web/Caches.cs':
        'static class Caches { public static void AddDistributedTokenCaches(this IServiceCollection services) { services.AddDistributedMemoryCache(); services.AddScoped<IMsalTokenCacheProvider, X>(); } }',
    };
    expect(await found(files)).toEqual([]);
  });

  it('may be #if within a chain of calls, which may hold what is missing', async () => {
    const chain = `builder.Services.AddAuthentication("oidc").AddMicrosoftIdentityWebApp(builder.Configuration)
#if GRAPH
    .EnableTokenAcquisitionToCallDownstreamApi()
    .AddDistributedTokenCaches()
#endif
    ;`;
    const all = await found(program('var builder = WebApplication.CreateBuilder(args);', chain, redis, options));
    expect(all).toContain('app-source code_not_parsed');
    expect(all.filter((each) => !/own_extension|code_not_parsed|depends_on_condition/.test(each))).toEqual([]);
  });

  it('may be a login by Windows, or LocalDB', async () => {
    const sql = (text: string) =>
      program(
        signIn,
        'auth.AddDistributedTokenCaches();',
        `builder.Services.AddDistributedSqlServerCache(o => { o.ConnectionString = @"${text}"; o.ExpiredItemsDeletionInterval = TimeSpan.MaxValue; });`,
        options,
      );
    expect(await found(sql('Server=(localdb)\\mssqllocaldb;Database=x;Trusted_Connection=True'))).toEqual([]);
    expect(
      await found(sql('Data Source=sql.example.com;Initial Catalog=x;Integrated Security=SSPI;Encrypt=False')),
    ).toEqual(['app-connection-string not_encrypted']);
  });
});

describe('appsettings', () => {
  const configured = program(
    signIn,
    'auth.AddDistributedTokenCaches();',
    redis,
    'builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(builder.Configuration.GetSection("Cache"));',
    'builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(o => o.OnL2CacheFailure = _ => false);',
  );

  it('are read with comments, in any case, those of production over the general ones', async () => {
    const files = {
      ...configured,
      'appsettings.json': '{ // short\n "cache": { "slidingExpiration": "00:05:00", } }',
      'appsettings.Development.json': '{ "Cache": { "DisableL1Cache": true } }',
      'appsettings.Production.json': '{ "Cache": { "SlidingExpiration": "08:00:00" } }',
    };
    expect(await found(files)).toEqual([]);
    expect(await troubles(write({ ...files, 'appsettings.Production.json': '{}' }))).toEqual([
      expect.objectContaining({
        cause: 'expiry_shorter_than_token',
        what: expect.stringContaining('appsettings.json:2'),
      }),
    ]);
  });

  it('that do not say it leave it unknown', async () => {
    expect(new Set(await found(configured))).toEqual(
      new Set(['app-encryption own_extension', 'app-expiry own_extension', 'app-l1-cache own_extension']),
    );
  });

  it('never show a value', async () => {
    const files = {
      ...program(
        signIn,
        'auth.AddDistributedTokenCaches();',
        'builder.Services.AddStackExchangeRedisCache(o => { o.Configuration = builder.Configuration["R"]; o.InstanceName = "hunter2-name"; });',
        options,
      ),
      'appsettings.json': '{ "R": "redis.example.com:6380,password=hunter2,ssl=yes,abortConnect=perhaps" }',
    };
    const all = await troubles(write(files), cacheOf('other.example.com:6379', { instanceName: 'web:' }));
    expect(all.map(({ cause }) => cause)).toEqual(['connection_string_not_readable', 'instance_name_differs']);
    expect(JSON.stringify(all)).not.toMatch(/hunter2|redis\.example/);
  });
});

describe('what is configured here', () => {
  const sql = (schema: string, table: string) =>
    program(
      signIn,
      'auth.AddDistributedTokenCaches();',
      `builder.Services.AddDistributedSqlServerCache(o => { o.ConnectionString = "Server=s;Database=d;User ID=a;Password=b;Encrypt=True"; o.SchemaName = "${schema}"; o.TableName = "${table}"; o.ExpiredItemsDeletionInterval = TimeSpan.MaxValue; });`,
      options,
    );
  it('is held against the names of the app', async () => {
    const table = cacheOf('Server=s;Database=d;User ID=a;Password=b', { table: 'dbo.TokenCache' });
    expect(await found(sql('dbo', 'TokenCache'), table)).toEqual([]);
    expect(await found(sql('cache', 'TokenCache'), table)).toEqual(['app-cache-name table_differs']);
    const cache = (instanceName: string) => cacheOf('r.example.com:6379', { instanceName });
    expect(await found(program(sound), cache('web:'))).toEqual([]);
    expect(await found(program(sound), cache('Web:'))).toEqual(['app-cache-name instance_name_differs']);
  });

  it('is held against the ring of the app', async () => {
    const ring = (blob: string, key: string) =>
      program(
        sound,
        `builder.Services.AddDataProtection().SetApplicationName("web").PersistKeysToAzureBlobStorage(new Uri("https://account.blob.core.windows.net/${blob}"), c).ProtectKeysWithAzureKeyVault(new Uri("https://v.vault.azure.net/keys/${key}"), c);`,
        'builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(o => o.Encrypt = true);',
      );
    const env = {
      KEY_RINGS: JSON.stringify([
        {
          name: 'web',
          store: { kind: 'blob', url: 'https://account.blob.core.windows.net/dp/keys.xml' },
          protector: { kind: 'keyVault', keyId: 'https://v.vault.azure.net/keys/ring' },
        },
      ]),
    };
    expect(readSettings(env, 'file').problems).toEqual([]);
    expect(await found(ring('dp/keys.xml', 'ring/0123456789abcdef0123456789abcdef'), env)).toEqual([]);
    expect(await found(ring('dp/other.xml', 'ring'), env)).toEqual(['app-key-ring ring_differs']);
    expect(await found(ring('dp/keys.xml', 'another'), env)).toEqual(['app-key-ring ring_protector_differs']);
  });
});

describe('a ring that Entity Framework keeps', () => {
  const app = (use: string) =>
    program(
      sound,
      `builder.Services.AddDbContext<Db>(o => ${use});`,
      'builder.Services.AddDataProtection().SetApplicationName("web").PersistKeysToDbContext<Db>().ProtectKeysWithCertificate("00aa");',
      'builder.Services.Configure<MsalDistributedTokenCacheAdapterOptions>(o => o.Encrypt = true);',
    );
  const ring = (kind: string, connectionString: string) => ({
    KEY_RINGS: JSON.stringify([
      { name: 'web', store: { kind, connectionStringSetting: 'RING' }, protector: { kind: 'none' } },
    ]),
    RING: connectionString,
  });
  const sqlServer = ring('sqlserver', 'Server=tcp:s.example.com,1433;Database=web;User ID=a;Password=b');
  const postgres = ring('postgres', 'Host=p.example.com;Database=web;Username=a;Password=b');

  it.each([
    ['o.UseSqlServer("Server=S.example.com;Database=Web;Trusted_Connection=True")', sqlServer, []],
    ['o.UseNpgsql("Host=p.example.com;Port=5432;Database=web;Username=x;Password=y")', postgres, []],
    ['o.UseSqlServer("Server=s.example.com;Database=other;User ID=x;Password=y")', sqlServer, ['ring_differs']],
    ['o.UseNpgsql("Host=p.example.com;Database=web;Username=x;Password=y")', sqlServer, ['ring_differs']],
    ['o.UseSqlServer(builder.Configuration.GetConnectionString("Db"))', postgres, ['ring_differs']],
    ['o.UseSqlServer(builder.Configuration.GetConnectionString("Db"))', sqlServer, ['set_outside']],
    ['Database.Choose(o)', postgres, ['set_outside']],
  ])('is held against the rings that are configured here: %s', async (use, env, expected) => {
    expect(readSettings(env, 'file').problems).toEqual([]);
    expect(await found(app(use), env)).toEqual(expected.map((cause) => `app-key-ring ${cause}`));
  });

  it('is none of the rings that are kept elsewhere', async () => {
    const folder = {
      KEY_RINGS: JSON.stringify([
        { name: 'web', store: { kind: 'folder', path: '/keys' }, protector: { kind: 'none' } },
      ]),
    };
    expect(await found(app('Database.Choose(o)'), folder)).toEqual(['app-key-ring ring_differs']);
  });
});

describe('packages', () => {
  const project = (items: string, framework = 'net10.0') =>
    `<Project Sdk="Microsoft.NET.Sdk.Web">\n<PropertyGroup><TargetFramework>${framework}</TargetFramework></PropertyGroup>\n<ItemGroup>\n${items}\n</ItemGroup></Project>`;
  const app = (items: string, more: Record<string, string> = {}) => ({
    ...program(sound),
    'Web.csproj': project(items),
    ...more,
  });

  it.each([
    ['10.0.6', ['app-packages package_has_a_fault']],
    ['10.0.0-rc.1', []],
    ['[10.0.3]', ['app-packages package_has_a_fault']],
    ['10.0.7', []],
    ['10.0.*', ['app-packages version_not_known']],
    ['$(Unset)', ['app-packages version_not_known']],
  ])('of Data Protection %s', async (version, expected) => {
    expect(
      await found(app(`<PackageReference Include="Microsoft.AspNetCore.DataProtection" Version="${version}" />`)),
    ).toEqual(expected);
  });

  it('have their versions in Directory.Packages.props, properties included', async () => {
    const props =
      '<Project>\n<PropertyGroup><Dp>10.0.5</Dp></PropertyGroup>\n<ItemGroup>\n<PackageVersion Include="microsoft.aspnetcore.dataprotection" Version="$(Dp)" /></ItemGroup></Project>';
    const reference = '<PackageReference Include="Microsoft.AspNetCore.DataProtection" />';
    expect(await troubles(write(app(reference, { 'Directory.Packages.props': props })))).toEqual([
      expect.objectContaining({
        cause: 'package_has_a_fault',
        what: expect.stringContaining('(Directory.Packages.props:4)'),
      }),
    ]);
    const overridden = reference.replace(' />', ' VersionOverride="10.0.9" />');
    expect(await found(app(overridden, { 'Directory.Packages.props': props }))).toEqual([]);
  });

  it('and frameworks have an end of support', async () => {
    expect(await found({ ...program(sound), 'Web.csproj': project('', 'net6.0') })).toEqual([
      'app-support out_of_support',
    ]);
    expect(await found(app('<PackageReference Include="Microsoft.Identity.Web" Version="1.25.0" />'))).toEqual([
      'app-support out_of_support',
    ]);
  });
});
