// Runs before the first paint, so that a chosen theme never flashes. A classic script: modules come later.
{
  const theme = localStorage.getItem("rlm-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
