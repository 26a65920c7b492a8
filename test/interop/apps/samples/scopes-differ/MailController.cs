using Microsoft.AspNetCore.Mvc;
using Microsoft.Identity.Web;

namespace Sample;

public class MailController(ITokenAcquisition tokens) : Controller
{
    private static readonly string[] MailScopes = ["Mail.Read", "User.Read"];

    public async Task<string> Index() => await tokens.GetAccessTokenForUserAsync(MailScopes);
}
