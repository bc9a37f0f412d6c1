// Runs before the first paint and on its own, so that a dark room stays dark while the app loads.
// The server writes the person's choice into data-theme; "system" asks the device.
(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const theme = root.dataset.theme;
    root.classList.toggle("dark", theme === "dark" || (theme !== "light" && prefersDark.matches));
  };
  apply();
  prefersDark.addEventListener("change", apply);
  new MutationObserver(apply).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
})();
