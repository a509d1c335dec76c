/* Before joining: how others will see and hear you. */
import type { JSX } from "preact";
import * as devices from "../state/devices";
import * as flow from "../state/flow";
import { canMedia } from "../state/model";
import { app } from "../state/store";
import { t } from "../text";
import { Button, IconButton, ProblemBox } from "../ui/controls";
import { DeviceChoice, DeviceProblems } from "../ui/device_choice";
import { Avatar } from "../ui/identity";
import { Video } from "../ui/tile";
import { Page } from "./page";

function Preview(): JSX.Element {
  const track = devices.cameraOn.value ? devices.cameraTrack.value : null;
  const text = devices.starting.value ? t.devices.cameraStarting : t.devices.cameraOff;
  const microphone = devices.microphoneOn.value;
  return (
    <div class="preview">
      {track !== null ? (
        <Video track={track} mirrored />
      ) : (
        <div class="preview-off">
          <Avatar name={app.value.name} size="large" />
          <p role="status">{text}</p>
        </div>
      )}
      <div class="preview-controls">
        <IconButton
          icon={microphone ? "mic" : "mic-off"}
          label={microphone ? t.meeting.mute : t.meeting.unmute}
          look={microphone ? "round" : "round off"}
          onClick={() => void devices.toggle("microphone")}
        />
        <IconButton
          icon={track !== null ? "camera" : "camera-off"}
          label={track !== null ? t.meeting.stopVideo : t.meeting.startVideo}
          look={track !== null ? "round" : "round off"}
          onClick={() => void devices.toggle("camera")}
        />
      </div>
    </div>
  );
}

function Go(): JSX.Element {
  return (
    <div class="row spread">
      <Button look="quiet" icon="arrow-left" onClick={flow.backToEntrance}>
        {t.common.back}
      </Button>
      <Button look="primary" busy={app.value.busy} onClick={() => void flow.join()}>
        {t.devices.join}
      </Button>
    </div>
  );
}

/** Where the browser cannot seal frames: there is nothing to check, but something to know. */
function WithoutMedia(): JSX.Element {
  const { lacking, problem } = app.value;
  const what = lacking.map((feature) => t.unsupported.features[feature]).join(", ");
  return (
    <Page narrow>
      <section class="card roomy">
        <h1>{t.unsupported.mediaTitle}</h1>
        <ProblemBox text={t.unsupported.mediaLead(what)} next={t.unsupported.mediaNext} />
        {problem && <ProblemBox {...problem} />}
        <Go />
      </section>
    </Page>
  );
}

export function Devices(): JSX.Element {
  const { problem } = app.value;
  if (!canMedia(app.value)) return <WithoutMedia />;
  return (
    <Page>
      <div class="device-check">
        <div class="device-preview">
          <Preview />
        </div>
        <section class="card roomy">
          <h1>{t.devices.title}</h1>
          <p class="note">{t.devices.lead}</p>
          {problem && <ProblemBox {...problem} />}
          <DeviceProblems />
          <DeviceChoice />
          <Go />
        </section>
      </div>
    </Page>
  );
}
