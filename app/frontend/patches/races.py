"""Races while the page connects, opens a chat or leaves one.

The server's part is in `app/page/incoming/arrivals.py`; the code that the patches call is in `public/sending.js`.
"""

from app.frontend.patches.patch import Patch

RACES = (
    Patch(
        # The page checks the login from time to time. Without a connection there is no response, which Chainlit took
        # for a rejection: it left the chat for the login form, and returned to an empty page.
        name="lost-connection",
        why="a lost connection does not sign the user out",
        file="libs/react-client/src/api/hooks/auth/userManagement.ts",
        old="E.useEffect(()=>{r&&e(null)},[r])",
        new="E.useEffect(()=>{r&&r.status&&e(null)},[r])",
    ),
    Patch(
        # Two routes meant two components. When the first question gave the chat its address, React replaced the
        # composer with its text, and an open file dialog had nowhere to put its files.
        name="one-route",
        why="a chat that gets its address is not rendered from scratch: one route",
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
        '"resume"&&v&&(kimi.drafts.named(v),location.pathname==="/"&&u(`/thread/${v}`))},[kimiFirst,v]);'
        "E.useEffect(()=>{const N=new URL(window.location.href);t&&",
    ),
    Patch(
        # The error of a chat that cannot be opened stayed until another chat was opened, which was then left.
        name="chat-gone",
        why="a chat that gets its address is not rendered from scratch; the page leaves a chat that is gone",
        file="frontend/src/pages/Thread.tsx",
        old="{threadId:a}=Rl(),i=a===t;",
        new="{threadId:a}=Rl(),i=!t||a===t,kimiGo=kimi.go=Cc(),{clear:kimiClear}=Go(),[kimiGone,kimiSetGone]=eo(kve);"
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
        # This component appears for a moment when the user leaves a chat: the address has changed, the page has not.
        name="left-chat",
        why="a chat that was just left is not opened again",
        file="frontend/src/components/AutoResumeThread.tsx",
        old='n!=null&&n.threadResumable&&(r(),a(t),n!=null&&n.dataPersistence||e("/"))',
        new="n!=null&&n.threadResumable&&location.pathname.endsWith(`/${t}`)&&(r(),a(t))",
    ),
    Patch(
        # Socket.IO retries by itself, unless the server has rejected the connection.
        name="interrupted-opening",
        why="a chat whose opening is interrupted is opened when the connection is back",
        file="frontend/src/components/AutoResumeThread.tsx",
        old='t===o&&i!=null&&i.error&&(Qn.error("Couldn\'t resume chat"),e("/"))',
        new='t===o&&i!=null&&i.error&&!i.socket.active&&(Qn.error(kimi.text.chatGone),e("/"),r())',
    ),
    Patch(
        name="opening-failed-once",
        why="a chat that cannot be opened is reported once",
        file="frontend/src/components/AutoResumeThread.tsx",
        old='s&&(Qn.error("Couldn\'t resume chat: "+s),e("/"),c(void 0))',
        new="void 0",
    ),
    Patch(
        # Chainlit left the chat's session, waited 300 ms, then deleted the chat. The address was still the chat's, so
        # the page reopened the chat in between, and that restored its address.
        name="deleted-chat",
        why="the page leaves a chat before it is deleted",
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
        # Each change of the connection's options created another debounced function, and all of them connected.
        name="connections-wait",
        why="of several connections only the last one is made: they share a delay",
        file="libs/react-client/src/useChatSession.ts",
        old="oe=E.useCallback(ti.debounce(V,200),[V])",
        new="oe=E.useCallback(Z=>kimi.connect(V,Z),[V])",
    ),
    Patch(
        name="connection-overtaken",
        why="of several connections only the last one is made: a superseded one gives up",
        file="libs/react-client/src/useChatSession.ts",
        old="try{await t.stickyCookie(e)}catch(Q){console.error(`Failed to set sticky session cookie: ${Q}`)}",
        new="const kimiOvertaken=kimi.connecting();try{await t.stickyCookie(e)}"
        "catch(Q){console.error(`Failed to set sticky session cookie: ${Q}`)}if(kimiOvertaken())return;",
    ),
    Patch(
        # Socket.IO does not reconnect when the server has closed the connection, as it does when it signs a user out.
        # The page looked alive until its next request.
        name="connection-ended",
        why="a page whose connection the server has closed checks whether its user is signed out",
        file="libs/react-client/src/useChatSession.ts",
        old='ee.on("connect_error",Q=>{',
        new='kimi.watchConnection(ee),ee.on("connect_error",Q=>{',
    ),
    Patch(
        name="question-sent",
        why="a question is sent until the server acknowledges it: at first",
        file="libs/react-client/src/useChatInteract.ts",
        old='e==null||e.socket.emit("client_message",{message:X,fileReferences:V})',
        new="kimi.send(e==null?void 0:e.socket,{message:X,fileReferences:V},Z=>Qn.error(Z))",
    ),
    Patch(
        name="question-sent-again",
        why="a question is sent until the server acknowledges it: again on every new connection",
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
        why="leaving a chat drops its unsent questions",
        file="libs/react-client/src/useChatInteract.ts",
        old='S=E.useCallback(()=>{e==null||e.socket.emit("clear_session"),',
        new='S=E.useCallback(()=>{kimi.forget(e==null?void 0:e.socket),e==null||e.socket.emit("clear_session"),',
    ),
    Patch(
        name="file-sent-again",
        why="a file whose copy on the server is gone, or never came there, is uploaded again",
        file="frontend/src/components/chat/index.tsx",
        old="return z.then(re=>{n(X=>",
        new="return z.catch(re=>kimi.files.later(U,D,re)).then(re=>{kimi.keepFile(re.id,L);n(X=>",
    ),
    Patch(
        # On the server they belong to the previous session; they are uploaded again when the question is sent.
        name="preset-keeps-files",
        why="choosing a preset keeps the attached files",
        file="frontend/src/components/header/ChatProfiles.tsx",
        old="p=C=>{a(C),l(null),s([]),o(),h()}",
        new="p=C=>{a(C),l(null),o(),h()}",
    ),
    Patch(
        # Chainlit asked before, whatever its setting `confirm_new_chat` says. The Enter that chose a preset closed that
        # dialog, which took no other key, either.
        name="preset-at-once",
        why="choosing a preset begins a chat at once, as the button for a new chat does",
        file="frontend/src/components/header/ChatProfiles.tsx",
        old="onValueChange:C=>{l(C),i?d(!0):p(C)}",
        new="onValueChange:p",
    ),
    Patch(
        name="draft-composer",
        why="a draft outlives the composer: the composer begins with it",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old='const a=E.useRef(null),[i,o]=E.useState(""),[s,c]=eo(Ptt)',
        new="const a=E.useRef(null),[i,o]=E.useState(kimi.draft),[s,c]=eo(Ptt)",
    ),
    Patch(
        name="draft-field",
        why="a draft outlives the composer: so does its field",
        file="frontend/src/components/chat/MessageComposer/Input.tsx",
        old='[y,x]=E.useState(""),[v,S]=E.useState(""),C=E.useRef(null),w=y.toLowerCase()',
        new='[y,x]=E.useState(""),[v,S]=E.useState(kimi.draft),C=E.useRef(null),w=y.toLowerCase()',
    ),
    Patch(
        name="draft-kept",
        why="a draft outlives the composer: it is kept",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old="setSelectedCommand:c,onChange:o,onPaste:oe,",
        new="setSelectedCommand:c,onChange:be=>{kimi.draft=be;o(be)},onPaste:oe,",
    ),
)
