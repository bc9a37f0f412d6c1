/** "Chrome, Windows" out of what a browser calls itself; programs are named as they name themselves. */
export function clientName(client: string): { name: string; isPhone: boolean; isProgram: boolean } {
  const browser = browsers.find(([pattern]) => pattern.test(client))?.[1];
  const system = systems.find(([pattern]) => pattern.test(client))?.[1];
  const isPhone = /iPhone|Android.*Mobile|Mobile.*Firefox/.test(client);
  if (browser) return { name: [browser, system].filter(Boolean).join(", "), isPhone, isProgram: false };
  const program = client.split(/[\s(]/)[0]?.replace("/", " ") ?? "";
  return { name: program, isPhone: false, isProgram: true };
}

// The order matters: Edge and Opera call themselves Chrome too, and Chrome calls itself Safari.
const browsers: readonly (readonly [RegExp, string])[] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Vivaldi\//, "Vivaldi"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\/|Chromium\//, "Chrome"],
  [/Version\/.*Safari\//, "Safari"],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/CrOS/, "ChromeOS"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/Linux/, "Linux"],
];
