import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { makeApp } from "./app/App";
import { currentLocale } from "./shared/i18n/locale";
import "./shared/ui/fonts.css";
import "./styles.css";

document.documentElement.lang = currentLocale().language;

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root.");
createRoot(root).render(<StrictMode>{makeApp().element}</StrictMode>);
