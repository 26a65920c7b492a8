namespace DataProtectionInterop;

public static class TokenCache
{
    public static Task<Answer> RunAsync(Request request) => Task.FromResult(new Answer());
}
