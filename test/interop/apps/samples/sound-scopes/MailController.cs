using Microsoft.AspNetCore.Mvc;
using Microsoft.Identity.Web;

namespace Sample;

public class MailController(ITokenAcquisition tokens) : Controller
{
    public async Task<string> Index()
    {
        var scopes = new[] { "https://graph.microsoft.com/mail.read" };
        return await tokens.GetAccessTokenForUserAsync(scopes);
    }

    [AuthorizeForScopes(Scopes = new[] { "Calendars.Read" })]
    public async Task<string> Calendar() => await tokens.GetAccessTokenForUserAsync(["Calendars.Read"]);
}
