// For a page of your own around the CCP (amazon-connect-streams, after connect.core.initCCP): shows
// the desk of the call that is offered, in <iframe id="jalon-desk" title="What the customer did">.

export function showDesk(connect, frame) {
  connect.contact((contact) => {
    const show = () => {
      const desk = contact.getAttributes().jalon_desk?.value;
      if (desk) frame.src = desk;
    };
    contact.onConnecting(show);
    contact.onConnected(show);
    contact.onDestroy(() => { frame.src = "about:blank"; });
  });
}
