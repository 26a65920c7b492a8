/** A file of a web app, with its path in it (`/` between the parts). */
export interface SourceFile {
  path: string;
  text: string;
}

export interface Sources {
  files: SourceFile[];
  /** What was left out, in words for a reader: links, files beyond the limit. */
  leftOut: string[];
}

/** What of an app is read: C#, its settings, its projects. */
const kinds = [/\.cs$/i, /(^|\/)appsettings[^/]*\.json$/i, /\.csproj$/i, /(^|\/)Directory\.(Packages|Build)\.props$/i];
/** Folders that hold no source of the app. */
const passedOver = /(^|\/)(bin|obj|node_modules|wwwroot|packages|TestResults|\.[^/]+)\//i;

export const isSource = (name: string) => kinds.some((kind) => kind.test(name));

export const isWanted = (path: string) => !passedOver.test(path) && isSource(path);

export const isFolderWanted = (path: string) => !passedOver.test(`${path}/`);
