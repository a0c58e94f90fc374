"""Changes to the JavaScript that Chainlit ships, each of which must fit exactly where it was meant to.

The names in the bundle are made by its minifier and change with every Chainlit release: after an upgrade, find the same
places again with the source map that Chainlit ships beside the bundle.
"""

from app.frontend.errors import FrontendError
from app.frontend.patch import Patch
from app.frontend.race_patches import RACES

_BEHAVIOUR = (
    Patch(
        # remark-directive takes `:name` for a directive and drops it: `key:value` would show as `key`. The alerts
        # (`:::note`) go with it, being made of the same syntax. A single `$` is money until kimi.markdown doubles it.
        why="text after a colon stays, and so does `$5 and $6`",
        old="let l=[O9n,D8n,CMn,I9n];return e&&(l=[...l,G8n]),l",
        new="let l=[O9n,D8n];return e&&(l=[...l,[G8n,{singleDollarTextMath:!1}]]),l",
    ),
    Patch(
        # Chainlit reads all of a chat's messages where it wants no more than the chat's id, and draws the composer, the
        # header and the list of chats anew at every frame of an answer. Read when asked for, each of the three is a
        # subscription by itself; a component asks for the same ones each time, as React demands of its hooks.
        why="what shows no message is not drawn again when one grows",
        old="Rl=()=>{let t=Ln(Xx),e=Ln($6);return{threadId:Ln(Eoe),messages:t,firstInteraction:e}}",
        new="Rl=()=>({get threadId(){return Ln(Eoe)},get messages(){return Ln(Xx)},"
        "get firstInteraction(){return Ln($6)}})",
    ),
    Patch(
        # Chainlit took every place that is not the end for one that a person had scrolled to; also where the text had
        # just grown, so that the page stopped in the middle of an answer.
        why="the page follows an answer until a person scrolls up",
        # It also ignored every scroll while it moved the page itself: until the page had not moved for 100 ms, which is
        # the whole of a fast answer.
        old="if(!i.current||d)return;const{scrollTop:S,scrollHeight:C,clientHeight:w}=i.current,A=S+w>=C-10;"
        "t&&(t.current=A),u(!A)}",
        new="if(!i.current)return;const{scrollTop:S,scrollHeight:C,clientHeight:w}=i.current,A=S+w>=C-10,"
        "kimiUp=S<(i.current.kimiTop||0);i.current.kimiTop=S;if(d&&!kimiUp)return;t&&(A||kimiUp)&&(t.current=A),"
        "u(!A&&!(t&&t.current))}",
    ),
    Patch(
        # What grows without a message: buttons, pictures. Not what somebody opens, who wants to see how it begins.
        why="the page follows what grows below an answer",
        old='return window.addEventListener("resize",S),p(),()=>{window.removeEventListener("resize",S)}},[e,p])',
        new='let kimiHand=0;const kimiBox=i.current,kimiHands=["pointerdown","keydown"],'
        "kimiTouch=()=>{kimiHand=Date.now()},kimiSize=new ResizeObserver(()=>{"
        "s.current&&s.current.nextElementSibling&&Date.now()-kimiHand>1000&&p()});"
        "kimiSize.observe(kimiBox.firstElementChild);kimiHands.forEach(k=>kimiBox.addEventListener(k,kimiTouch,!0));"
        'return window.addEventListener("resize",S),p(),()=>{kimiSize.disconnect(),'
        "kimiHands.forEach(k=>kimiBox.removeEventListener(k,kimiTouch,!0)),"
        'window.removeEventListener("resize",S)}},[e,p])',
    ),
    Patch(
        why="the composer is not drawn again when a message grows",
        old='className:Ae("relative flex flex-col items-center gap-2 w-full"),children:[f.jsx(lnt,{...e})',
        new='className:Ae("relative flex flex-col items-center gap-2 w-full"),children:[f.jsx(kimi.memo(E,lnt),{...e})',
    ),
    Patch(
        why="the list of chats is not drawn again when a message grows",
        old="f.jsx(XVn,{threadHistory:o,",
        new="f.jsx(kimi.memo(E,XVn),{threadHistory:o,",
    ),
    Patch(
        # Only what is drawn goes through it: the message stays as the model wrote it, for copying and for the history.
        # Chainlit makes its functions for the parts of a text anew at every frame. To React they are other components
        # then, and it throws the whole message away and builds it again; kept, only what has changed is touched.
        why="LaTeX is drawn whichever of its delimiters the model uses, and a frame draws what is new: how it begins",
        old='return f.jsx(twn,{className:Ae("prose lg:prose-xl",a),remarkPlugins:c,rehypePlugins:s,components:{...m8e,',
        new='return kimi.message(f.jsx,twn,E.useRef([]),Ae("prose lg:prose-xl",a),'
        "{remarkPlugins:c,rehypePlugins:s,components:E.useMemo(()=>({...m8e,",
    ),
    Patch(
        why="LaTeX is drawn whichever of its delimiters the model uses, and a frame draws what is new: how it ends",
        old="return m8e.Alert({variant:h,children:u})}},children:i})}",
        new="return m8e.Alert({variant:h,children:u})}}),[o,e,(r||[]).map(l=>l.id+l.url).join()])},i)}",
    ),
    Patch(
        # Chainlit asks for a picture by the author's name, and answers 400 to any that is not ASCII.
        why="every answer has the product's avatar, whatever the assistant is called",
        old='`/avatars/${t||"default"}`',
        new='"/avatars/default"',
    ),
    Patch(
        # PDF.js tries `new Function("")` to learn whether it may; the page's policy forbids it and would log each try.
        why="PDF.js does not try what the Content-Security-Policy forbids",
        old='function P$n(){try{return new Function(""),!0}catch{return!1}}',
        new="function P$n(){return!1}",
    ),
    Patch(
        why="a refused file is named, and why, in the reader's language",
        old='(d[0].errors[0].code==="file-too-large"?t==null||t(`File is larger than ${r.max_size_mb} MB`)'
        ":t==null||t(d[0].errors[0].message))",
        new="(t==null||t(kimi.refused(d,r)))",
    ),
    Patch(
        why="a link in the header is no button around a link, which a screen reader cannot tell apart",
        old='className:"text-muted-foreground hover:text-muted-foreground",children:f.jsxs("a",{',
        new='className:"text-muted-foreground hover:text-muted-foreground",asChild:!0,children:f.jsxs("a",{',
    ),
    Patch(
        # Without a title the dialog's library logs an error, and a screen reader has nothing to say.
        why="the large picture's dialog has a title",
        old='max-h-screen overflow-auto [&>button]:hidden",children:f.jsxs("div",{'
        'className:"relative w-full h-full flex items-center justify-center",children:[',
        new='max-h-screen overflow-auto [&>button]:hidden","aria-describedby":void 0,children:f.jsxs("div",{'
        'className:"relative w-full h-full flex items-center justify-center",children:['
        'f.jsx(Id,{className:"sr-only",children:t.name}),',
    ),
    Patch(
        why="the help dialog says that it has no description, which its library logs otherwise",
        old='max-w-screen max-h-screen border-none !rounded-none overflow-y-auto",',
        new='max-w-screen max-h-screen border-none !rounded-none overflow-y-auto","aria-describedby":void 0,',
    ),
    Patch(
        # With a sidebar Chainlit has a `main` around this already.
        why="the chat is the page's main landmark",
        old='f.jsx("div",{className:"h-screen w-screen flex",children:o})',
        new='f.jsx("main",{className:"h-screen w-screen flex",children:o})',
    ),
    Patch(
        why="the page has a heading, and the chat a class by which it makes room for the banner",
        old='f.jsx("div",{className:"flex flex-row flex-grow overflow-auto",children:t})',
        new='f.jsxs("div",{className:"flex flex-row flex-grow overflow-auto chat-area",children:['
        'f.jsx("h1",{className:"sr-only",children:"Kimi-VL Chat"}),t]})',
    ),
    Patch(
        why="the list of chats holds lists, and is none itself",
        old='f.jsx(GTe,{children:o?f.jsx("div",{id:"thread-history",',
        new='f.jsx("div",{className:"flex w-full min-w-0 flex-col gap-1",children:o?f.jsx("div",{id:"thread-history",',
    ),
    Patch(
        why="the sidebar of a narrow window is a dialog with a title",
        old='side:t,children:f.jsx("div",{className:"flex h-full w-full flex-col",children:a})',
        new='side:t,"aria-describedby":void 0,children:f.jsxs("div",{className:"flex h-full w-full flex-col",children:['
        'f.jsx(Id,{className:"sr-only",children:kimi.text.chats}),a]})',
    ),
    Patch(
        why="a chat in the list is a link, not a button in a link with another button in it",
        old='const c=t?ps:"button",{isMobile:l,state:u}=DC(),d=f.jsx(c,{ref:s,"data-sidebar":"menu-button",',
        new='const c=t?ps:"div",{isMobile:l,state:u}=DC(),d=f.jsx(c,{ref:s,"data-sidebar":"menu-button",',
    ),
    Patch(
        why="the menu of a chat is a button",
        old='id:"thread-options",',
        new='id:"thread-options",role:"button",tabIndex:0,"aria-label":kimi.text.chatMenu,',
    ),
    Patch(
        why="an attached file that no browser draws has its type's icon instead of a broken picture",
        old='!!(e!=null&&e.startsWith("image/"))',
        new="/^image\\/(?!heic|heif|tiff)/.test(e)",
    ),
    Patch(
        why="the login form is its page's main landmark",
        old='f.jsxs("div",{className:"grid min-h-svh lg:grid-cols-2"',
        new='f.jsxs("main",{className:"grid min-h-svh lg:grid-cols-2"',
    ),
    Patch(
        # A 401 leads to the login form, which says itself what went wrong there, and that there were too many tries.
        why="a request that failed is told in a sentence, once",
        old="XKn=t=>{Qn.error(t.toString())}",
        new="XKn=t=>{[401,429].includes(t.status)||Qn.error(t.detail||kimi.text.requestFailed)}",
    ),
    Patch(
        # It asks who is signed in now and then; no answer at all, on a lost connection, is no refusal. Chainlit left
        # the chat for the login then, and came back to an empty page.
        why="a lost connection does not sign anybody out",
        old="E.useEffect(()=>{r&&e(null)},[r])",
        new="E.useEffect(()=>{r&&r.status&&e(null)},[r])",
    ),
    Patch(
        # Chainlit hides the buttons of what is being streamed, and "Answer now" is for just that time.
        why="Answer now is there while it thinks",
        old='||t.streaming?null:f.jsxs("div",{className:"-ml-1.5 flex items-center flex-wrap"',
        new="||t.streaming&&!u.some(p=>p.payload.whileRunning)?null:"
        'f.jsxs("div",{className:"-ml-1.5 flex items-center flex-wrap"',
    ),
    Patch(
        why="Answer now, and the choice about a silent engine, can be pressed while a turn runs",
        old='variant:"ghost",className:"text-muted-foreground",disabled:e||i,',
        new='variant:"ghost",className:"text-muted-foreground",disabled:e&&!t.payload.whileRunning||i,',
    ),
    Patch(
        # Its buttons remember what was clicked; another answer in the same place has feedback of its own.
        why="the feedback buttons show the feedback of the answer above them",
        old="n?f.jsx(nKn,{message:n}):null",
        new="n?f.jsx(nKn,{message:n},JSON.stringify(n.feedback||0)):null",
    ),
    Patch(
        why="a chat's menu knows its chat",
        old="f.jsx(QVn,{onDelete:()=>u(G.id),",
        new="f.jsx(QVn,{chat:G.id,onDelete:()=>u(G.id),",
    ),
    Patch(
        why="a chat's menu is told its chat",
        old="function QVn({onDelete:t,onRename:e,onShare:n,className:r}){",
        new="function QVn({chat:kimiChat,onDelete:t,onRename:e,onShare:n,className:r}){",
    ),
    Patch(
        why="a chat can be saved from its menu",
        old='f.jsxs(GR,{className:"w-20",align:"start",forceMount:!0,children:[f.jsxs(Ip,{id:"rename-thread",',
        new='f.jsxs(GR,{className:"w-48",align:"start",forceMount:!0,children:['
        "f.jsx(Ip,{onClick:a=>{a.stopPropagation(),kimi.save(`/api/threads/${kimiChat}/chat.zip`)},"
        "children:kimi.text.saveMarkdown}),"
        "f.jsx(Ip,{onClick:a=>{a.stopPropagation(),kimi.save(`/api/threads/${kimiChat}/chat.json`)},"
        "children:kimi.text.saveJson}),"
        'f.jsxs(Ip,{id:"rename-thread",',
    ),
    Patch(
        why="a saved chat can be opened from above the list",
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
        why="the header has only the links that the person may open",
        old="h=((y=r==null?void 0:r.ui)==null?void 0:y.header_links)||[]",
        new="h=kimi.links(((y=r==null?void 0:r.ui)==null?void 0:y.header_links)||[],Nl().user)",
    ),
    Patch(
        why="the menu of the account can end all logins",
        old='{path:"navigation.user.menu.logout"}),f.jsx(e5,{className:"ml-auto"})]})',
        new='{path:"navigation.user.menu.logout"}),f.jsx(e5,{className:"ml-auto"})]}),'
        "t.metadata.signsOut&&f.jsx(Ip,{onClick:()=>kimi.signOutEverywhere(s=>Qn.error(s)),"
        "children:kimi.text.signOutEverywhere})",
    ),
    Patch(
        why="the list of presets has a name",
        old='f.jsx(SR,{id:"chat-profiles",',
        new='f.jsx(SR,{id:"chat-profiles","aria-label":kimi.text.presets,',
    ),
    Patch(
        why="a preset's picture in the list does not say its name a second time",
        old='f.jsx("img",{src:w,alt:C.display_name||C.name,',
        new='f.jsx("img",{src:w,alt:"",',
    ),
    Patch(
        why="a preset's picture on the empty chat says nothing that its name does not",
        old='f.jsx("img",{className:"h-16 w-16 rounded-full",',
        new='f.jsx("img",{alt:"",className:"h-16 w-16",',
    ),
    Patch(
        why="a long line of code can be scrolled by keyboard",
        old="className:`language-${t} font-mono text-sm rounded-b-md block`",
        new="tabIndex:0,className:`language-${t} font-mono text-sm rounded-b-md block`",
    ),
    Patch(
        why="a wide table can be scrolled by keyboard",
        old='f.jsx("div",{className:"relative w-full overflow-auto",children:f.jsx("table"',
        new='f.jsx("div",{tabIndex:0,className:"relative w-full overflow-auto",children:f.jsx("table"',
    ),
    Patch(
        why="a slider is known by its label: the setting hands it down",
        old="f.jsx(KHe,{id:n,name:n,max:s,",
        new='f.jsx(KHe,{id:n,name:n,"data-label":r,max:s,',
    ),
    Patch(
        why="a slider is known by its label: the handle takes it",
        old='f.jsx(svn,{className:"block h-5 w-5',
        new='f.jsx(svn,{"aria-label":e["data-label"],className:"block h-5 w-5',
    ),
)

# Long chats (public/earlier.js): a page gets the last screen, and earlier turns when it asks for them.
_LONG_CHATS = (
    Patch(
        why="a chat that goes on keeps what is above its last turns on the page",
        old="let Y=[];for(let Le of Q.steps)Y=K0(Y,Le);",
        new="let Y=kimi.turns.above(Q);for(let Le of Q.steps)Y=K0(Y,Le);",
    ),
    Patch(
        # Each button came in an event of its own.
        why="a chat that is opened comes with its pictures and buttons",
        old='let le=Q.elements||[];w(le.filter(Le=>Le.type==="tasklist")),'
        'C(le.filter(Le=>["avatar","tasklist"].indexOf(Le.type)===-1))})',
        new="kimi.turns.resumed(Q)})",
    ),
    Patch(
        why="earlier turns are taken from the page's socket",
        old='ee.on("new_message",Q=>{p(q=>K0(q,Q))})',
        new='kimi.turns.connected(ee,{add:K0,messages:p,elements:C,actions:A}),ee.on("new_message",Q=>{p(q=>K0(q,Q))})',
    ),
    Patch(
        why="the button for earlier messages is above them",
        old="onFileUploadError:y,autoScrollRef:a}),f.jsx(bKn,{navigate:u})]",
        new="onFileUploadError:y,autoScrollRef:a}),"
        "f.jsx(kimi.turns.Earlier,{react:E,jsx:f.jsx,useMessages:Rl,follow:a}),f.jsx(bKn,{navigate:u})]",
    ),
)

# Buttons that show an icon alone get a name for screen readers: the text to find, and the word in public/page.js.
_NAMED = {
    'id:"new-chat-button",': "newChat",
    'id:"chat-submit",': "send",
    'id:"stop-button",': "stop",
    'id:"chat-settings-open-modal",': "settings",
    'id:"user-nav-button",': "account",
    'id:"sidebar-trigger-button",': "sidebar",
    'id:"search-chats-button",': "searchChats",
    'className:"edit-message ml-auto invisible group-hover:visible",': "edit",
    "className:`text-muted-foreground ${e}`,": "copy",
    'className:"absolute right-2 top-1/2 -translate-y-1/2",': "showPassword",
    'className:"w-6 h-6 rounded-full bg-card hover:bg-card text-foreground",': "cancelUpload",
    'className:"w-6 h-6 shadow-sm rounded-full border-4 bg-card': "removeFile",
    "onClick:y,disabled:o<=1,": "previousPage",
    "onClick:x,disabled:o>=(a||1),": "nextPage",
    "onClick:_,disabled:c<=.5,": "smaller",
    "onClick:p,disabled:c>=3,": "larger",
    "onClick:()=>x(1),className:i===1": "helpful",
    "onClick:()=>x(0),className:i===0": "notHelpful",
}

# English that the bundle has instead of a key of its translations.
_WORDS = (
    ('(r==null?void 0:r[1])||"Raw code"', "(r==null?void 0:r[1])||kimi.text.code"),
    ('"sr-only",children:"Toggle theme"', '"sr-only",children:kimi.text.theme'),
    (
        '"aria-label":"Toggle Sidebar",tabIndex:-1,onClick:r,title:"Toggle Sidebar"',
        '"aria-label":kimi.text.sidebar,tabIndex:-1,onClick:r,title:kimi.text.sidebar',
    ),
    ('Qn.error("Failed to copy: "+String(s))', "Qn.error(kimi.text.copyFailed)"),
    ('children:"Loading PDF..."', "children:kimi.text.loadingPdf"),
    ('children:"Loading preview..."', "children:kimi.text.loadingPdf"),
    ('"aria-label":"Open PDF in a larger view"', '"aria-label":kimi.text.enlarge'),
    ('"sr-only",children:"View PDF"', '"sr-only",children:t.name'),
    ('"sr-only",children:"A modal with a larger view of the PDF."', '"sr-only",children:kimi.text.enlarge'),
    ('title:"Print/Open PDF"', "title:kimi.text.print"),
    ('title:"Download PDF"', "title:kimi.text.download"),
    ('"aria-label":"Close lightbox"', '"aria-label":kimi.text.close'),
    ('"Error fetching threads: "+_', "kimi.text.searchFailed"),
    ('y.name||"Untitled Conversation"', "y.name||kimi.text.newChat"),
    (
        'toLocaleString("default",{month:"long"})} ${_.getFullYear()}`',
        'toLocaleString(navigator.language,{year:"numeric",month:"long"})}`',
    ),
    ('alt:`Avatar for ${t||"default"}`', 'alt:""'),
    ('alt:"logo"', 'alt:"Kimi-VL Chat"'),
    ('alt:"Image"', 'alt:""'),
    ('alt:"user image"', 'alt:""'),
    ("alt:t.label", 'alt:""'),
)

PATCHES = (
    *_BEHAVIOUR,
    *_LONG_CHATS,
    *RACES,
    *(Patch(f"a name for {word}", old, f'"aria-label":kimi.text.{word},{old}') for old, word in _NAMED.items()),
    # The drop zone's own attributes, spread into the button, make it a `presentation`: what comes after them wins.
    Patch("a name for attach", "disabled:t,...o(),", 'disabled:t,...o(),role:"button","aria-label":kimi.text.attach,'),
    Patch("a name for close", '"sr-only",children:"Close"', '"sr-only",children:kimi.text.close', places=2),
    *(Patch(f"the words {old}", old, new) for old, new in _WORDS),
)


def apply_patches(bundle: bytes, chainlit_version: str) -> bytes:
    """Return Chainlit's main bundle, in UTF-8, with every patch in it.

    As text it would take four bytes a character and six times as long.

    Raises `FrontendError` when a patch does not fit in as many places as it should, naming the version that it met.
    """
    for patch in PATCHES:
        pieces = bundle.split(patch.old.encode())
        if (found := len(pieces) - 1) != patch.places:
            raise FrontendError(
                f"Chainlit {chainlit_version}'s front end has {found} places instead of {patch.places} for the patch "
                f"“{patch.why}”: install the locked version, or bring app/frontend/patches.py up to date."
            )
        bundle = patch.new.encode().join(pieces)
    return bundle
