using System.Diagnostics;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

/// <summary>Runs an app's own entry point until its host is built, in production, and gives back the host, which is not started.</summary>
internal sealed class Starter : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
{
    private static readonly AsyncLocal<Starter?> Current = new();
    private IHost? host;

    public static IHost Start(Assembly app, string folder)
    {
        var starter = new Starter();
        Current.Value = starter;
        using var subscription = DiagnosticListener.AllListeners.Subscribe(starter);
        try
        {
            var entry = app.EntryPoint ?? throw new InvalidOperationException("The app has no entry point.");
            string[] args = ["--contentRoot", folder, "--environment", "Production"];
            var result = entry.Invoke(null, entry.GetParameters().Length == 0 ? null : [args]);
            (result as Task)?.GetAwaiter().GetResult();
        }
        catch (Exception error) when (starter.host is not null && Unwrapped(error) is HostBuiltException)
        {
        }
        return starter.host ?? throw new InvalidOperationException("The app built no host.");
    }

    private static Exception Unwrapped(Exception error) => error is TargetInvocationException { InnerException: { } inner } ? inner : error;

    public void OnNext(DiagnosticListener listener)
    {
        if (listener.Name == "Microsoft.Extensions.Hosting")
        {
            listener.Subscribe(this);
        }
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (Current.Value != this || value.Key != "HostBuilt")
        {
            return;
        }
        host = (IHost)value.Value!;
        throw new HostBuiltException();
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    private sealed class HostBuiltException : Exception;
}
