"""Features that Chainlit lacks: Answer now, times of frames, folded text, files of chats, long chats, and more.

The code that they call is in `public/`: `page.js`, `frames.js`, `code.js`, `chats.js` and `earlier.js`.
"""

from app.frontend.patches.patch import Patch

FEATURES = (
    Patch(
        # Chainlit hides the buttons of a step that is streaming, which is exactly when "Answer now" is needed.
        name="answer-now-shown",
        why="Answer now is shown while the model thinks",
        file="frontend/src/components/chat/Messages/Message/Buttons/index.tsx",
        old='||t.streaming?null:f.jsxs("div",{className:"-ml-1.5 flex items-center flex-wrap"',
        new="||t.streaming&&!u.some(p=>p.payload.whileRunning)?null:"
        'f.jsxs("div",{className:"-ml-1.5 flex items-center flex-wrap"',
    ),
    Patch(
        name="answer-now-enabled",
        why="Answer now, and the buttons for a silent engine, can be pressed while a turn runs",
        file="frontend/src/components/chat/Messages/Message/Buttons/Actions/ActionButton.tsx",
        old='variant:"ghost",className:"text-muted-foreground",disabled:e||i,',
        new='variant:"ghost",className:"text-muted-foreground",disabled:e&&!t.payload.whileRunning||i,',
    ),
    Patch(
        name="text-wraps",
        why="the reader's whole text is folded below its quotes: its lines wrap",
        file="frontend/src/components/CodeSnippet.tsx",
        old='r=/language-(\\w+)/.exec(n||"")',
        new="r=/language-(\\w+)/.exec(kimi.code.shown(n))",
    ),
    Patch(
        name="text-fold",
        why="the reader's whole text is folded below its quotes: its heading opens it",
        file="frontend/src/components/CodeSnippet.tsx",
        old='return f.jsxs(Sl,{className:"relative my-2",children:[f.jsxs(oC,{'
        'className:"flex flex-row items-center justify-between py-1 px-4",children:[f.jsx("span",',
        new="const kimiFold=kimi.code.useFold(E.useState,f.jsx,n,a);"
        'return f.jsxs(Sl,{className:"relative my-2",children:[f.jsxs(oC,{'
        'className:"flex flex-row items-center justify-between py-1 px-4",children:['
        'kimiFold?kimiFold.heading:f.jsx("span",',
    ),
    Patch(
        name="text-saved",
        why="the reader's whole text, and comma-separated values, can be saved as files",
        file="frontend/src/components/CodeSnippet.tsx",
        old='f.jsx(PSe,{content:a})]}),f.jsxs(Up,{className:"p-0",children:[o,s]})',
        new='f.jsxs("span",{className:"flex",children:[kimi.code.saveButton(f.jsx,Ft,n,a),f.jsx(PSe,{content:a})]})]}),'
        'kimiFold&&!kimiFold.open?null:f.jsxs(Up,{className:"p-0",children:[o,s]})',
    ),
    Patch(
        name="menu-knows-chat",
        why="a chat's menu knows its chat",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old="f.jsx(QVn,{onDelete:()=>u(G.id),",
        new="f.jsx(QVn,{chat:G.id,pinned:(G.metadata||{}).pinned,onPin:()=>kimi.chats.pin(G,y,s=>Qn.error(s)),"
        "onDelete:()=>u(G.id),",
    ),
    Patch(
        name="menu-takes-chat",
        why="a chat's menu receives its chat",
        file="frontend/src/components/LeftSidebar/ThreadOptions.tsx",
        old="function QVn({onDelete:t,onRename:e,onShare:n,className:r}){",
        new="function QVn({chat:kimiChat,pinned:kimiPinned,onPin:kimiPin,onDelete:t,onRename:e,onShare:n,"
        "className:r}){",
    ),
    Patch(
        name="save-chat",
        why="a chat can be saved from its menu",
        file="frontend/src/components/LeftSidebar/ThreadOptions.tsx",
        old='f.jsxs(GR,{className:"w-20",align:"start",forceMount:!0,children:[f.jsxs(Ip,{id:"rename-thread",',
        new='f.jsxs(GR,{className:"w-48",align:"start",forceMount:!0,children:['
        "f.jsx(Ip,{onClick:a=>{a.stopPropagation(),kimiPin()},children:kimiPinned?kimi.text.unpin:kimi.text.pin}),"
        "f.jsx(Ip,{onClick:a=>{a.stopPropagation(),kimi.save(`/api/threads/${kimiChat}/markdown`)},"
        "children:kimi.text.saveMarkdown}),"
        "f.jsx(Ip,{onClick:a=>{a.stopPropagation(),kimi.save(`/api/threads/${kimiChat}/chat.json`)},"
        "children:kimi.text.saveJson}),"
        'f.jsxs(Ip,{id:"rename-thread",',
    ),
    Patch(
        name="bring-in-chat",
        why="a saved chat can be imported by a button above the list",
        file="frontend/src/components/LeftSidebar/index.tsx",
        old="children:[f.jsx(PVn,{}),f.jsx($_e,{navigate:e})]",
        new='children:[f.jsx(Ft,{id:"bring-in-button",variant:"ghost",size:"icon","aria-label":kimi.text.bringIn,'
        'title:kimi.text.bringIn,className:"text-muted-foreground hover:text-muted-foreground",'
        "onClick:()=>kimi.bringIn(s=>Qn.error(s)),"
        'children:f.jsx("svg",{width:20,height:20,viewBox:"0 0 24 24",fill:"none",stroke:"currentColor",strokeWidth:2,'
        'strokeLinecap:"round",strokeLinejoin:"round",children:f.jsx("path",'
        '{d:"M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4M17 8l-5-5-5 5M12 3v12"})})}),'
        "f.jsx(PVn,{}),f.jsx($_e,{navigate:e})]",
    ),
    Patch(
        name="header-links",
        why="the header has only the links that the user may open",
        file="frontend/src/components/header/index.tsx",
        old="h=((y=r==null?void 0:r.ui)==null?void 0:y.header_links)||[]",
        new="h=kimi.links(((y=r==null?void 0:r.ui)==null?void 0:y.header_links)||[],Nl().user)",
    ),
    Patch(
        name="sign-in-form",
        why="where there is only the shared account, the form asks for no name",
        file="frontend/src/components/LoginForm.tsx",
        old='defaultValues:{email:"",password:""}',
        new='defaultValues:(kimi.signIn(),{email:"",password:""})',
    ),
    Patch(
        name="sign-in-goes-on",
        why="who opens the address of a chat gets to it after signing in",
        file="frontend/src/pages/Login.tsx",
        old='n&&s("/"))},[e,n])',
        new="n&&s(kimi.wanted()))},[e,n])",
    ),
    Patch(
        name="camera",
        why="a phone can take a picture from the message box",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old="f.jsx(VYn,{disabled:w}),",
        new="f.jsx(VYn,{disabled:w}),f.jsx(kimi.Camera,{jsx:f.jsx}),",
    ),
    Patch(
        name="account-menu",
        why="the account's menu switches the language, and lists the keyboard shortcuts",
        file="frontend/src/components/header/UserNav.tsx",
        old="f.jsxs(Ip,{onClick:()=>e(!0),children:[",
        new="f.jsx(Ip,{lang:kimi.language,onClick:kimi.switchLanguage,children:kimi.other}),"
        "f.jsx(Ip,{onClick:()=>setTimeout(kimi.showShortcuts),children:kimi.text.shortcuts}),"
        "f.jsxs(Ip,{onClick:()=>e(!0),children:[",
    ),
    Patch(
        name="sign-out-everywhere",
        why="the account's menu can end all logins, and change one's own password",
        file="frontend/src/components/header/UserNav.tsx",
        old='{path:"navigation.user.menu.logout"}),f.jsx(e5,{className:"ml-auto"})]})',
        new='{path:"navigation.user.menu.logout"}),f.jsx(e5,{className:"ml-auto"})]}),'
        "t.metadata.hasPassword&&f.jsx(Ip,{onClick:()=>setTimeout(()=>kimi.changePassword(s=>Qn(s))),"
        "children:kimi.text.changePassword}),"
        "t.metadata.signsOut&&f.jsx(Ip,{onClick:()=>kimi.signOutEverywhere(s=>Qn.error(s)),"
        "children:kimi.text.signOutEverywhere})",
    ),
    Patch(
        name="turns-above",
        why="a chat that is resumed keeps what the page shows above its last turns",
        file="libs/react-client/src/useChatSession.ts",
        old="let Y=[];for(let Le of Q.steps)Y=K0(Y,Le);",
        new="let Y=kimi.turns.above(Q);for(let Le of Q.steps)Y=K0(Y,Le);",
    ),
    Patch(
        # Before, each button arrived in a separate event.
        name="turns-resumed",
        why="a chat that is opened brings its pictures and buttons",
        file="libs/react-client/src/useChatSession.ts",
        old='let le=Q.elements||[];w(le.filter(Le=>Le.type==="tasklist")),'
        'C(le.filter(Le=>["avatar","tasklist"].indexOf(Le.type)===-1))})',
        new="kimi.turns.resumed(Q)})",
    ),
    Patch(
        name="turns-socket",
        why="earlier turns, and answers to compare, are received from the page's socket",
        file="libs/react-client/src/useChatSession.ts",
        old='ee.on("new_message",Q=>{p(q=>K0(q,Q))})',
        new='kimi.compare.connected(ee),kimi.turns.connected(ee,{add:K0,messages:p,elements:C,actions:A,say:Qn}),ee.on("new_message",Q=>{p(q=>K0(q,Q))})',
    ),
    Patch(
        name="notices-socket",
        why="the page knows when an answer begins and ends, also in a chat that it has left",
        file="libs/react-client/src/useChatSession.ts",
        old='ee.on("task_start",()=>{l(!0)})',
        new='kimi.connected(),kimi.notices.connected(ee,Qn),kimi.ahead.connected(ee),ee.on("task_start",()=>{l(!0)})',
    ),
    Patch(
        name="chat-mark",
        why="a chat in the list shows its time and file, and is marked while it is answered in the background",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old='f.jsx("span",{className:"truncate",children:G.name||f.jsx(Ot,{path:"threadHistory.thread.untitled"})})',
        new="f.jsx(kimi.notices.Mark,{react:E,jsx:f.jsx,id:G.id}),"
        'f.jsxs("span",{className:"min-w-0",children:[f.jsx("span",{className:"block truncate",'
        'children:G.name||f.jsx(Ot,{path:"threadHistory.thread.untitled"})}),'
        'f.jsx("span",{className:"block truncate chat-about",children:kimi.chats.about(G)})]})',
    ),
    Patch(
        name="turns-button",
        why="the button for earlier messages is above them",
        file="frontend/src/components/chat/index.tsx",
        old="onFileUploadError:y,autoScrollRef:a}),f.jsx(bKn,{navigate:u})]",
        new="onFileUploadError:y,autoScrollRef:a}),"
        "f.jsx(kimi.turns.Earlier,{react:E,jsx:f.jsx,useMessages:Rl,follow:a}),f.jsx(bKn,{navigate:u})]",
    ),
)
