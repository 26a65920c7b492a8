using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Identity.Client;

/// <summary>
/// A token endpoint on this machine, to which MSAL's requests for login.microsoftonline.com are led. It answers as the protocol
/// says (RFC 6749, 5.1 and 5.2), with tokens that mean nothing.
/// </summary>
sealed class TokenEndpoint : IMsalHttpClientFactory, IDisposable
{
    private readonly HttpListener listener = new();
    private readonly HttpClient client;

    public TokenEndpoint()
    {
        var port = FreePort();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
        _ = Task.Run(Serve);
        client = new HttpClient(new Redirect(port));
    }

    public HttpClient GetHttpClient() => client;

    public void Dispose() => listener.Close();

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    private async Task Serve()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try { context = await listener.GetContextAsync(); }
            catch (Exception) { return; }
            using var reader = new StreamReader(context.Request.InputStream);
            var form = await reader.ReadToEndAsync();
            var refused = form.Contains("refused");
            context.Response.StatusCode = refused ? 400 : 200;
            context.Response.ContentType = "application/json";
            var bytes = Encoding.UTF8.GetBytes(refused ? Refusal : form.Contains("client_credentials") ? AppToken : Tokens());
            await context.Response.OutputStream.WriteAsync(bytes);
            context.Response.Close();
        }
    }

    private const string Refusal =
        """{"error":"invalid_grant","error_description":"AADSTS50076: second factor","error_codes":[50076],"suberror":"basic_action"}""";

    private const string AppToken = """{"token_type":"Bearer","expires_in":3600,"access_token":"access"}""";

    private static string Tokens()
    {
        static string Part(string json) => Convert.ToBase64String(Encoding.UTF8.GetBytes(json)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var user = Part("""{"uid":"11111111-1111-1111-1111-111111111111","utid":"22222222-2222-2222-2222-222222222222"}""");
        var id = $$"""{"oid":"11111111-1111-1111-1111-111111111111","tid":"22222222-2222-2222-2222-222222222222","preferred_username":"person@example.com","sub":"s"}""";
        return $$"""
            {"token_type":"Bearer","expires_in":3600,"access_token":"access","refresh_token":"refresh","scope":"scope",
             "id_token":"{{Part("""{"alg":"none"}""")}}.{{Part(id)}}.","client_info":"{{user}}"}
            """;
    }

    private sealed class Redirect(int port) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
        {
            request.RequestUri = new UriBuilder(request.RequestUri!) { Scheme = "http", Host = "127.0.0.1", Port = port }.Uri;
            return base.SendAsync(request, cancellation);
        }
    }
}
