using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Azure.WebJobs.Extensions.Timers;
using NCrontab;

/// <summary>
/// Schedules as the Functions host reads them. The verdict is that of its own CronSchedule. What it does on days of clock change came
/// after the version that NuGet has: that is told here from its source (CronSchedule.cs of azure-webjobs-sdk-extensions, 5.x), by
/// NCrontab's firings and .NET's time zones.
/// </summary>
static class Schedules
{
    static readonly MethodInfo TryCreate = typeof(CronSchedule).GetMethod("TryCreate", BindingFlags.Static | BindingFlags.NonPublic)!;
    static readonly PropertyInfo Inner = typeof(CronSchedule).GetProperty("InnerSchedule", BindingFlags.Instance | BindingFlags.NonPublic)!;

    public static JsonObject Answer(JsonNode request)
    {
        object?[] given = [(string)request["text"]!, null];
        if (!(bool)TryCreate.Invoke(null, given)!) return new JsonObject { ["refused"] = "not a schedule" };
        var schedule = (CrontabSchedule)Inner.GetValue(given[1])!;
        var zone = TimeZoneInfo.FindSystemTimeZoneById((string)request["zone"]!);
        var at = DateTimeOffset.Parse((string)request["from"]!, CultureInfo.InvariantCulture);
        var end = at.AddYears(9);
        var firings = new JsonArray();
        while (firings.Count < (int)request["count"]! && (at = Next(schedule, zone, at)) < end) firings.Add(at.UtcDateTime.ToString("s", CultureInfo.InvariantCulture));
        return new JsonObject { ["firings"] = firings };
    }

    static DateTimeOffset Next(CrontabSchedule schedule, TimeZoneInfo zone, DateTimeOffset after)
    {
        var now = TimeZoneInfo.ConvertTime(after, zone);
        var clock = schedule.GetNextOccurrence(now.DateTime);
        var next = OnClock(clock, zone);
        var (nowIsTwice, nextIsTwice) = (zone.IsAmbiguousTime(now), zone.IsAmbiguousTime(next));
        var isInterval = string.Join(' ', schedule.ToString().Split(' ')[..^3]).IndexOfAny(['*', '-', '/']) >= 0;
        if (next.Offset != now.Offset && (isInterval ? nowIsTwice || nextIsTwice : nextIsTwice)) return TimeZoneInfo.ConvertTime(next + (next.Offset - now.Offset), zone);
        if (isInterval || !nextIsTwice) return next;
        while (zone.IsAmbiguousTime(clock)) clock = schedule.GetNextOccurrence(clock);
        return OnClock(clock, zone);
    }

    /// <summary>NCrontab's word for "never" is the end of time.</summary>
    static DateTimeOffset OnClock(DateTime clock, TimeZoneInfo zone) => clock.Year > 9000 ? DateTimeOffset.MaxValue : TimeZoneInfo.ConvertTime(new DateTimeOffset(clock, zone.GetUtcOffset(clock)), zone);
}
