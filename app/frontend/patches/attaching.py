"""What users prepare stays until it is sent: drafts, and files from the chooser, the clipboard or a drop.

The code that the patches call is in `public/drafts.js`, `public/files.js` and `public/typing.js`.
"""

from app.frontend.patches.patch import Patch

ATTACHING = (
    Patch(
        name="draft-shown",
        why="the composer shows the draft of its chat",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old="const[d,h]=eo(vce),{t:p}=Gs(),{user:_}=Nl(),",
        new="const[d,h]=eo(vce),{t:p}=Gs(),{user:_}=Nl(),kimiDraft=kimi.drafts.use(E,{"
        "person:_==null?void 0:_.identifier,words:i,attached:d,attach:h,field:a,fail:Z=>Qn.error(Z)}),",
    ),
    Patch(
        name="draft-attached",
        why="an attachment belongs to the draft in which it was attached",
        file="frontend/src/components/chat/index.tsx",
        old="{id:D,type:L.type,name:L.name,",
        new="{draft:kimi.drafts.shown(),id:D,type:L.type,name:L.name,",
    ),
    Patch(
        name="draft-forgotten",
        why="signing out removes the user's drafts from the browser",
        file="libs/react-client/src/api/hooks/auth/sessionManagement.ts",
        old="await t.logout(),e(void 0)",
        new="await kimi.drafts.clear(),await t.logout(),e(void 0)",
    ),
    Patch(
        name="starter-takes-files",
        why="a starter asks about the attached files",
        file="frontend/src/components/chat/Starter.tsx",
        old="metadata:{location:window.location.href}};a(h,[])}",
        new="metadata:{location:window.location.href}};a(h,kimi.drafts.take())}",
    ),
    Patch(
        # The drop zone refused all of them.
        name="too-many-files",
        why="of too many files the first ones are taken: the drop zone leaves counting to our script",
        file="frontend/src/hooks/useUpload.tsx",
        old="maxFiles:r.max_files||void 0,",
        new="",
    ),
    Patch(
        name="room-for-files",
        why="of too many files the first ones are taken",
        file="frontend/src/components/chat/index.tsx",
        old="const I=N.map(L=>{const D=mA(),",
        new="const I=kimi.files.room(N,d,Z=>Qn.error(Z)).map(L=>{const D=mA(),",
    ),
    Patch(
        name="room-for-files-now",
        why="the limit on files is the one that the server has sent",
        file="frontend/src/components/chat/index.tsx",
        old="n(L=>L.concat(I))},[c])",
        new="n(L=>L.concat(I))},[c,d])",
    ),
    Patch(
        # Chainlit took the text and, as well, each file.
        name="paste",
        why="of a paste with text and files only the text is taken, and of one with files all of them at once",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old="be.clipboardData&&be.clipboardData.items&&Array.from(be.clipboardData.items).forEach("
        'H=>{if(H.kind==="file"){const _e=H.getAsFile();_e&&e([_e])}})',
        new="const H=kimi.files.pasted(be.clipboardData);H.length&&(be.preventDefault(),e(H))",
    ),
    Patch(
        name="files-while-answering",
        why="files can be added by the button while an answer or an upload runs",
        file="frontend/src/components/chat/MessageComposer/index.tsx",
        old="f.jsx(AYn,{disabled:w,",
        new="f.jsx(AYn,{disabled:!1,",
    ),
    Patch(
        name="thumbnail-enlarges",
        why="a thumbnail in the composer can be enlarged",
        file="frontend/src/components/chat/MessageComposer/Attachment.tsx",
        old='children:f.jsx("img",{src:i,alt:t,className:"h-full w-full object-cover"})',
        new='children:f.jsx("img",{src:i,alt:t,className:"h-full w-full object-cover cursor-pointer",'
        "...kimi.files.button(()=>kimi.files.enlarge(i,t))})",
    ),
    Patch(
        name="attachment-sign",
        why="an attachment shows that the model looks at it before the question is sent",
        file="frontend/src/components/chat/MessageComposer/Attachments.tsx",
        old="f.jsxs(yXe,{name:n.name,mime:n.type,file:n.file,children:[a,i]},n.id)",
        new="f.jsxs(yXe,{name:n.name,mime:n.type,file:n.file,children:["
        'a,i,f.jsx(kimi.ahead.Sign,{react:E,jsx:f.jsx,file:n.serverId},"sign")]},n.id)',
    ),
    Patch(
        name="picture-captions",
        why="a sent picture has its file's name, page and number below it",
        file="frontend/src/components/chat/Messages/Message/Content/InlinedElements/InlinedImageList.tsx",
        old="renderElement:e=>f.jsx(bXe,{element:e.element})",
        new="renderElement:e=>f.jsx(bXe,{element:e.element,caption:kimi.files.caption(e.element,t)})",
    ),
    Patch(
        name="picture-caption",
        why="a sent picture has a caption, and can be enlarged by keyboard",
        file="frontend/src/components/Elements/Image.tsx",
        old="bXe=({element:t})=>",
        new="bXe=({element:t,caption:kimiCaption})=>",
    ),
    Patch(
        name="picture-figure",
        why="a sent picture has a caption, and can be enlarged by keyboard: its place",
        file="frontend/src/components/Elements/Image.tsx",
        old='f.jsx("div",{className:"rounded-sm bg-accent overflow-hidden",children:f.jsx("img",{',
        new='f.jsxs("figure",{className:"sent-picture rounded-sm bg-accent overflow-hidden",'
        '"data-time":kimi.frames.timeOf(t.name),children:['
        'kimiCaption&&f.jsx("figcaption",{title:kimiCaption,children:kimiCaption}),f.jsx("img",{',
    ),
    Patch(
        name="picture-button",
        why="a sent picture has a caption, and can be enlarged by keyboard: its button",
        file="frontend/src/components/Elements/Image.tsx",
        old='src:t.url,alt:t.name,loading:"lazy",onClick:r})}),',
        new='src:t.url,alt:t.name,loading:"lazy",...kimi.files.button(r)})]}),',
    ),
    Patch(
        # A composer that is drawn again revoked the address of a picture that its browser was about to load.
        name="thumbnail",
        why="a thumbnail's address outlives the composer for a moment",
        file="frontend/src/components/chat/MessageComposer/Attachment.tsx",
        old="i&&URL.revokeObjectURL(i)",
        new="i&&setTimeout(()=>URL.revokeObjectURL(i),1e4)",
    ),
    Patch(
        name="drop-while-connecting",
        why="files can be dropped while the page connects",
        file="frontend/src/components/chat/index.tsx",
        old="const S=!o&&((w=(C=e==null?void 0:e.features)",
        new="const S=((w=(C=e==null?void 0:e.features)",
    ),
)
