using System.Globalization;
using System.Text.Json.Nodes;
using NCrontab;

/// <summary>
/// Schedules as the Functions host reads them: by NCrontab, on the clock of its time zone (CronSchedule.cs of azure-webjobs-sdk-extensions).
/// </summary>
static class Schedules
{
    public static JsonObject Answer(JsonNode request)
    {
        var schedule = CrontabSchedule.TryParse((string)request["text"]!, new CrontabSchedule.ParseOptions { IncludingSeconds = true });
        if (schedule is null) return new JsonObject { ["refused"] = "not a schedule" };
        var from = DateTime.Parse((string)request["from"]!, CultureInfo.InvariantCulture);
        var firings = schedule.GetNextOccurrences(from, from.AddYears(9)).Take((int)request["count"]!);
        return new JsonObject { ["firings"] = new JsonArray([.. firings.Select(at => (JsonNode)at.ToString("s", CultureInfo.InvariantCulture))]) };
    }
}
