import { render } from "preact";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import "./style/index.css";
import { Devices } from "./screens/devices";
import { Entrance } from "./screens/entrance";
import { Home } from "./screens/home";
import { MeetingScreen } from "./screens/meeting";
import { Over, Unsupported } from "./screens/over";
import { WaitingRoom } from "./screens/waiting";
import { start } from "./state/flow";
import { app } from "./state/store";
import { t } from "./text";
import { onlyCheckedScripts } from "./trusted";
import { Captions, Toasts } from "./ui/toasts";

function Screen(): JSX.Element | null {
  const { screen, phase } = app.value;
  switch (screen.at) {
    case "starting":
      return null;
    case "unsupported":
      return <Unsupported missing={screen.missing} />;
    case "home":
      return <Home />;
    case "entrance":
      return <Entrance />;
    case "devices":
      return <Devices />;
    case "call":
      break;
  }
  if (phase === "over") return <Over />;
  const inside =
    phase === "in-meeting" || (phase === "reconnecting" && app.value.roster.length > 0);
  return inside ? <MeetingScreen /> : <WaitingRoom />;
}

function App(): JSX.Element {
  const title = app.value.screen.at === "call" ? app.value.info?.title : undefined;
  useEffect(() => {
    document.title = title === undefined ? t.product : `${title} – ${t.product}`;
  }, [title]);
  return (
    <>
      <Screen />
      <Toasts />
      <Captions />
    </>
  );
}

onlyCheckedScripts();
const root = document.getElementById("app");
root?.replaceChildren(); /* what was to be seen if this never ran */
if (root !== null) render(<App />, root);
void start();
