"""Changes to Chainlit's JavaScript for what happens while the page connects, opens a chat or leaves one.

The server's part is in `app/sockets.py`, what the patches call in `public/sending.js`.
"""

from app.frontend.patch import Patch

RACES = (
    Patch(
        # As two routes they were drawn by two components: the first question, which gives the chat its address, threw
        # the composer away with what was typed in it, and an open file dialog had nobody to give its files to.
        why="a chat that gets its address is not drawn from the beginning: one route",
        old='{path:"/",element:f.jsx(xKn,{})}',
        new='{path:"/",element:f.jsx(JOe,{})}',
    ),
    Patch(
        # The error of a chat that cannot be opened stayed until another chat was opened, which was then left.
        why="a chat that gets its address is not drawn from the beginning; a chat that is gone is left",
        old="{threadId:a}=Rl(),i=a===t;",
        new="{threadId:a}=Rl(),i=!t||a===t,kimiGo=Cc(),{clear:kimiClear}=Go(),[kimiGone,kimiSetGone]=eo(kve);"
        "E.useEffect(()=>{kimiGone&&(kimiSetGone(void 0),kimiGone.id===t&&"
        '(Qn.error(kimi.text.chatGone),kimi.putBack(),kimiGo("/"),kimiClear()))},[kimiGone]);'
        'E.useEffect(()=>{const k=()=>{location.pathname==="/"&&kimiClear()};addEventListener("popstate",k);'
        'return()=>removeEventListener("popstate",k)},[kimiClear]);',
    ),
    Patch(
        why="which chat could not be opened is known",
        old='ee.on("resume_thread_error",Q=>{U(Q)})',
        new='ee.on("resume_thread_error",()=>{U({id:ee.auth.threadId})})',
    ),
    Patch(
        # It is mounted for a moment where a chat is left: the address has changed, what is drawn has not.
        why="a chat that was just left is not opened again",
        old='n!=null&&n.threadResumable&&(r(),a(t),n!=null&&n.dataPersistence||e("/"))',
        new="n!=null&&n.threadResumable&&location.pathname.endsWith(`/${t}`)&&(r(),a(t))",
    ),
    Patch(
        # What only breaks off is tried again by itself.
        why="a chat whose opening is interrupted is opened when the connection is back",
        old='t===o&&i!=null&&i.error&&(Qn.error("Couldn\'t resume chat"),e("/"))',
        new='t===o&&i!=null&&i.error&&!i.socket.active&&(Qn.error(kimi.text.chatGone),e("/"),r())',
    ),
    Patch(
        why="a chat that cannot be opened is said once",
        old='s&&(Qn.error("Couldn\'t resume chat: "+s),e("/"),c(void 0))',
        new="void 0",
    ),
    Patch(
        # Chainlit left the chat's session, waited 300 ms and deleted it. Its address was still there, so that the page
        # opened the chat again meanwhile; what came of that undid the way to the empty page.
        why="a chat that is deleted is left first",
        old="(l===o||l===c)&&(s(),await new Promise(Z=>setTimeout(Z,300)))",
        new='(l===o||l===c)&&(i("/"),s())',
    ),
    Patch(
        why="who deletes another chat stays in this one",
        old='i("/"),f.jsx(Ot,{path:"threadHistory.thread.actions.delete.success"})',
        new='f.jsx(Ot,{path:"threadHistory.thread.actions.delete.success"})',
    ),
    Patch(
        # Each change of what the page connects with made a function with a delay of its own, all of which connected.
        why="of several connections the last one counts: they wait together",
        old="oe=E.useCallback(ti.debounce(V,200),[V])",
        new="oe=E.useCallback(Z=>kimi.connect(V,Z),[V])",
    ),
    Patch(
        why="of several connections the last one counts: who was overtaken gives up",
        old="try{await t.stickyCookie(e)}catch(Q){console.error(`Failed to set sticky session cookie: ${Q}`)}",
        new="const kimiOvertaken=kimi.connecting();try{await t.stickyCookie(e)}"
        "catch(Q){console.error(`Failed to set sticky session cookie: ${Q}`)}if(kimiOvertaken())return;",
    ),
    Patch(
        why="a question is sent until the server has it: at first",
        old='e==null||e.socket.emit("client_message",{message:X,fileReferences:V})',
        new="kimi.send(e==null?void 0:e.socket,{message:X,fileReferences:V},Z=>Qn.error(Z))",
    ),
    Patch(
        why="a question is sent until the server has it: again on every new connection",
        old='ee.emit("connection_successful"),',
        new='ee.emit("connection_successful"),kimi.sendAgain(ee),',
    ),
    Patch(
        why="a question that waits for the server stays on the page when its chat is opened",
        old="s((Pe=Q.metadata)==null?void 0:Pe.chat_settings),p(Y);",
        new="s((Pe=Q.metadata)==null?void 0:Pe.chat_settings),p(kimi.unsent().reduce(K0,Y));",
    ),
    Patch(
        why="who leaves a chat takes no question along",
        old='S=E.useCallback(()=>{e==null||e.socket.emit("clear_session"),',
        new='S=E.useCallback(()=>{kimi.forget(),e==null||e.socket.emit("clear_session"),',
    ),
    Patch(
        why="a file whose copy on the server is gone is sent again",
        old="return z.then(re=>{n(X=>",
        new="return z.then(re=>{kimi.keepFile(re.id,L);n(X=>",
    ),
    Patch(
        # They go along with the next question as they are: what was uploaded to the session before is sent again.
        why="who chooses a preset keeps the files that are attached, and who does not after all keeps the address",
        old='h=()=>{d(!1),l(null),t==null||t("/")},p=C=>{a(C),l(null),s([]),o(),h()}',
        new='h=()=>{d(!1),l(null)},p=C=>{a(C),l(null),o(),h(),t==null||t("/")}',
    ),
    Patch(
        why="what is typed outlives the composer: the composer begins with it",
        old='const a=E.useRef(null),[i,o]=E.useState(""),[s,c]=eo(Ptt)',
        new="const a=E.useRef(null),[i,o]=E.useState(kimi.draft),[s,c]=eo(Ptt)",
    ),
    Patch(
        why="what is typed outlives the composer: its field too begins with it",
        old='[y,x]=E.useState(""),[v,S]=E.useState(""),C=E.useRef(null),w=y.toLowerCase()',
        new='[y,x]=E.useState(""),[v,S]=E.useState(kimi.draft),C=E.useRef(null),w=y.toLowerCase()',
    ),
    Patch(
        why="what is typed outlives the composer: it is kept",
        old="setSelectedCommand:c,onChange:o,onPaste:oe,",
        new="setSelectedCommand:c,onChange:be=>{kimi.draft=be;o(be)},onPaste:oe,",
    ),
)
