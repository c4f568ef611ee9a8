// Puts the page into its document.
import { createRoot } from "react-dom/client";
import { Page } from "./page";

const root = document.getElementById("root");
if (!root) throw new Error("sandbox.html has no #root");
createRoot(root).render(<Page />);
