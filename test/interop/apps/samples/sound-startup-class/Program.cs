Host.CreateDefaultBuilder(args)
    .ConfigureWebHostDefaults(web => web.UseStartup<Sample.Startup>())
    .Build()
    .Run();
