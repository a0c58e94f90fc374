"""What happens while the page connects, opens a chat or leaves one.

The server's part is in `app/page/incoming/arrivals.py`, what the replacements call in `public/sending.js`.
"""

from app.frontend.patches.patch import Patch

RACES = (
    Patch(
        # It asks who is signed in now and then; no answer at all, on a lost connection, is no refusal. Chainlit left
        # the chat for the login then, and came back to an empty page.
        name="lost-connection",
        why="a lost connection does not sign anybody out",
        file="libs/react-client/src/api/hooks/auth/userManagement.ts",
        old="E.useEffect(()=>{r&&e(null)},[r])",
        new="E.useEffect(()=>{r&&r.status&&e(null)},[r])",
    ),
    Patch(
        # Two routes meant two components. The first question gives the chat its address: that threw the composer away
        # with what had been typed in it, and an open file dialog had no place to put its files.
        name="one-route",
        why="a chat that gets its address is not drawn from the beginning: one route",
        file="frontend/src/router.tsx",
        old='{path:"/",element:f.jsx(xKn,{})}',
        new='{path:"/",element:f.jsx(JOe,{})}',
    ),
    Patch(
        # The list of chats did that, which on a phone is there only while it is open: until then a reload showed a new
        # chat, and the tap that opened the list changed the address and so closed it.
        name="address-of-a-new-chat",
        why="a new chat gets its address whether or not the list of chats is shown",
        file="frontend/src/components/chat/index.tsx",
        old="{threadId:v}=Rl();E.useEffect(()=>{const N=new URL(window.location.href);t&&",
        new="{threadId:v,firstInteraction:kimiFirst}=Rl();E.useEffect(()=>{kimiFirst&&kimiFirst!=="
        '"resume"&&v&&location.pathname==="/"&&u(`/thread/${v}`)},[kimiFirst,v]);'
        "E.useEffect(()=>{const N=new URL(window.location.href);t&&",
    ),
    Patch(
        # The error of a chat that cannot be opened stayed until another chat was opened, which was then left.
        name="chat-gone",
        why="a chat that gets its address is not drawn from the beginning; a chat that is gone is left",
        file="frontend/src/pages/Thread.tsx",
        old="{threadId:a}=Rl(),i=a===t;",
        new="{threadId:a}=Rl(),i=!t||a===t,kimiGo=Cc(),{clear:kimiClear}=Go(),[kimiGone,kimiSetGone]=eo(kve);"
        "E.useEffect(()=>{kimiGone&&(kimiSetGone(void 0),kimiGone.id===t&&"
        '(Qn.error(kimi.text.chatGone),kimiGo("/"),kimiClear()))},[kimiGone]);'
        'E.useEffect(()=>{const k=()=>{location.pathname==="/"&&kimiClear()};addEventListener("popstate",k);'
        'return()=>removeEventListener("popstate",k)},[kimiClear]);',
    ),
    Patch(
        name="which-chat-failed",
        why="which chat could not be opened is known",
        file="libs/react-client/src/useChatSession.ts",
        old='ee.on("resume_thread_error",Q=>{U(Q)})',
        new='ee.on("resume_thread_error",()=>{U({id:ee.auth.threadId})})',
    ),
    Patch(
        # This component appears for a moment when a chat is left: the address has changed, the page has not yet.
        name="left-chat",
        why="a chat that was just left is not opened again",
        file="frontend/src/components/AutoResumeThread.tsx",
        old='n!=null&&n.threadResumable&&(r(),a(t),n!=null&&n.dataPersistence||e("/"))',
        new="n!=null&&n.threadResumable&&location.pathname.endsWith(`/${t}`)&&(r(),a(t))",
    ),
    Patch(
        # Socket.IO retries by itself, unless the server has refused.
        name="interrupted-opening",
        why="a chat whose opening is interrupted is opened when the connection is back",
        file="frontend/src/components/AutoResumeThread.tsx",
        old='t===o&&i!=null&&i.error&&(Qn.error("Couldn\'t resume chat"),e("/"))',
        new='t===o&&i!=null&&i.error&&!i.socket.active&&(Qn.error(kimi.text.chatGone),e("/"),r())',
    ),
    Patch(
        name="opening-failed-once",
        why="a chat that cannot be opened is said once",
        file="frontend/src/components/AutoResumeThread.tsx",
        old='s&&(Qn.error("Couldn\'t resume chat: "+s),e("/"),c(void 0))',
        new="void 0",
    ),
    Patch(
        # Chainlit left the chat's session, waited 300 ms, then deleted the chat. The address was still the chat's, so
        # the page opened it again in the meantime, and the reopened chat brought its address back.
        name="deleted-chat",
        why="a chat that is deleted is left first",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old="(l===o||l===c)&&(s(),await new Promise(Z=>setTimeout(Z,300)))",
        new='(l===o||l===c)&&(i("/"),s())',
    ),
    Patch(
        name="deleted-other",
        why="deleting another chat keeps this one open",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old='i("/"),f.jsx(Ot,{path:"threadHistory.thread.actions.delete.success"})',
        new='f.jsx(Ot,{path:"threadHistory.thread.actions.delete.success"})',
    ),
    Patch(
        # Each change of what the page connects with made another delayed function, and all of them connected.
        name="connections-wait",
        why="of several connections the last one counts: they wait together",
        file="libs/react-client/src/useChatSession.ts",
        old="oe=E.useCallback(ti.debounce(V,200),[V])",
        new="oe=E.useCallback(Z=>kimi.connect(V,Z),[V])",
    ),
    Patch(
        name="connection-overtaken",
        why="of several connections the last one counts: one that was overtaken gives up",
        file="libs/react-client/src/useChatSession.ts",
        old="try{await t.stickyCookie(e)}catch(Q){console.error(`Failed to set sticky session cookie: ${Q}`)}",
        new="const kimiOvertaken=kimi.connecting();try{await t.stickyCookie(e)}"
        "catch(Q){console.error(`Failed to set sticky session cookie: ${Q}`)}if(kimiOvertaken())return;",
    ),
    Patch(
        # Socket.IO does not connect again when the server has ended a connection, as it does when it signs a user out.
        # The page looked alive until its next request.
        name="connection-ended",
        why="a page whose connection the server has ended learns whether its user is signed out",
        file="libs/react-client/src/useChatSession.ts",
        old='ee.on("connect_error",Q=>{',
        new='kimi.watchConnection(ee),ee.on("connect_error",Q=>{',
    ),
    Patch(
        name="question-sent",
        why="a question is sent until the server has it: at first",
        file="libs/react-client/src/useChatInteract.ts",
        old='e==null||e.socket.emit("client_message",{message:X,fileReferences:V})',
        new="kimi.send(e==null?void 0:e.socket,{message:X,fileReferences:V},Z=>Qn.error(Z))",
    ),
    Patch(
        name="question-sent-again",
        why="a question is sent until the server has it: again on every new connection",
        file="libs/react-client/src/useChatSession.ts",
        old='ee.emit("connection_successful"),',
        new='ee.emit("connection_successful"),kimi.sendAgain(ee),',
    ),
    Patch(
        name="question-kept",
        why="a question that waits for the server stays on the page when its chat is opened",
        file="libs/react-client/src/useChatSession.ts",
        old="s((Pe=Q.metadata)==null?void 0:Pe.chat_settings),p(Y);",
        new="s((Pe=Q.metadata)==null?void 0:Pe.chat_settings),p(kimi.unsent().reduce(K0,Y));",
    ),
    Patch(
        name="chat-left",
        why="leaving a chat takes none of its questions along",
        file="libs/react-client/src/useChatInteract.ts",
        old='S=E.useCallback(()=>{e==null||e.socket.emit("clear_session"),',
        new='S=E.useCallback(()=>{kimi.forget(e==null?void 0:e.socket),e==null||e.socket.emit("clear_session"),',
    ),
    Patch(
        name="file-sent-again",
        why="a file whose copy on the server is gone is sent again",
        file="frontend/src/components/chat/index.tsx",
        old="return z.then(re=>{n(X=>",
        new="return z.then(re=>{kimi.keepFile(re.id,L);n(X=>",
    ),
    Patch(
        # The server has them under the session before; they are uploaded again when the question is sent.
        name="preset-keeps-files",
        why="choosing a preset keeps the attached files, and cancelling that keeps the address",
        file="frontend/src/components/header/ChatProfiles.tsx",
        old='h=()=>{d(!1),l(null),t==null||t("/")},p=C=>{a(C),l(null),s([]),o(),h()}',
        new='h=()=>{d(!1),l(null)},p=C=>{a(C),l(null),o(),h(),t==null||t("/")}',
    ),
    Patch(
        name="draft-composer",
        why="what is typed outlives the composer: the composer begins with it",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old='const a=E.useRef(null),[i,o]=E.useState(""),[s,c]=eo(Ptt)',
        new="const a=E.useRef(null),[i,o]=E.useState(kimi.draft),[s,c]=eo(Ptt)",
    ),
    Patch(
        name="draft-field",
        why="what is typed outlives the composer: its field too begins with it",
        file="frontend/src/components/chat/MessageComposer/Input.tsx",
        old='[y,x]=E.useState(""),[v,S]=E.useState(""),C=E.useRef(null),w=y.toLowerCase()',
        new='[y,x]=E.useState(""),[v,S]=E.useState(kimi.draft),C=E.useRef(null),w=y.toLowerCase()',
    ),
    Patch(
        name="draft-kept",
        why="what is typed outlives the composer: it is kept",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old="setSelectedCommand:c,onChange:o,onPaste:oe,",
        new="setSelectedCommand:c,onChange:be=>{kimi.draft=be;o(be)},onPaste:oe,",
    ),
)
