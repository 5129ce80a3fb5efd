"""Three frames of a moving pattern in every codec, so that each decoder can be used once before the jail closes.

May decide: nothing. Made with FFmpeg from a formula, deflated, in base 85; they show nothing.
"""

import base64
import zlib
from collections.abc import Iterator


def every() -> Iterator[bytes]:
    """Give one small video of each codec and container."""
    for sample in _SAMPLES.values():
        yield zlib.decompress(base64.b85decode(sample))


_SAMPLES = {
    "h264 in MP4": (
        "c-"
        "oCsZ)hAv6rby*AylD=1^XeAX|14=yX<Z*XHB|jnnn*aB?zq=gmrdiHoM&J&SrLUxvK#U_Jc_Ai_#C()(U>{?+5=Ne&`odu^&Xx57MXwBT4;Ju@"
        "tcuq?~W|F6J7oIPA=O^WOWtH}Ac<IfM}QR3iye5h1h*X$sRKHEKpl$wUbCc#?C3^7lrJD6l!%y}8+Z`P=cIPMu$>e0a3~EMB_p*Nb(lT*3uRh2"
        "+>Q4*^>#f@ol3a{Pfp36CBe10CZO6k{T3gxpiuGK|53WmwwUS1K7E7?_)zE7k(WMM&bJkkbR&Z_!s#2sR>7fr!&#Oo>aVZDPqidk{13hJsdYbJ"
        "!R*Fo{XnNV#p)2ZxQiX%6Cu+di-3bk+s#Zk(hIfWqoXW}8I=K(OE_sB`9Mk0u}-"
        "N#bd4n`KOWDI($k)Wk~iFbq=QcGq_^s(_(0k!`>c2s<QVZd+!*X=0D0%1P2{kZ6mRgPFt;o|kfE7c8uN2?*^d6rxIe*f{I5Gz=(T7Z^B}SqvIP"
        "MCo$`vEni$U<7hEoRy^EP!T0W!Ja~ilq5k6F2GO{ZR1H2@f3>XI!OcgfY}!CgpovN;W}<WbR-r?p5-;igK1y6z=?#%&a_BC+Y%-"
        "Kt?~x=wyhzf%{oyK!xpEM$DGb8yJX-jx-"
        "O~YsSj{Toxju7dP!|6Jsi1ESDhAYKwLENj84Wjie+FE?Kq>PZkO)?CRIGKOE^fNNpK;chv19MK>u|&(bI5e_w#2DqaDq@8~!~0<k0Hk@mE(~xX"
        "FL>i`V|xeBqlJ>+EB9p4mFS@P3s4%?d}Jd&M0(H}UDj_AkHQLWzH1>X$c8t)BjD^~lIGKle|Zd?{XB29I}*9@`o2?YsQq&OP&&jwBx}{IKtP(R"
        "1$V^KXB?bZOrw>Hfv}`K1T@9y#ym_*-))MjJg({l2pI<Byg{-"
        "dlj5&qO3d4OC%N^BKBk<bQ;vj&ewU>mzrq)yDmO=s(9M_~xMgRp1|2)huTIU%b`-f&4#lpMW`;ZFg~|QlPy&OjQR0{C2gmxr-"
        "4C2rxKe8*{hx3xf`v&Nc;~g>p@!pMg%xgZf#hkeG#B+vJYH#qfaHR*N#HoyXk8TDo2ax3A++H_plsxA@#ts@xFxcT$zI4x1DD?YmAXbmEh!0<>"
        "~ni;ZJ@vk7YnypH7<+R|J`w@d?lYw7;tVcn80y`0%oIr?Z0b^8~-"
        "TY0zt>Xj=Rxeb08?UH`=@S3+&W#wLrozFTAwva`qT+ch`x^2EC>uT$}+cd-W0+w#Tw(SuH-J#CA3Yg14i!g6)#igPHYru48nbPf^ig-"
        "r#*wNWqxDJveN!VGYLeRQDx4*80c6clN+mN*aKSXL?*(#dw8P;DHR-2R"
    ),
    "h264, 10 bits, in Matroska": (
        "c-pO0drTZf7@tFEDmF3F*qYj;BmJYs^p4$wBB5>q2ba>cJme@Q{iEyL-rU`WyWM4X5ALebTexyZO9M%p8Yz8wwTUU|10#(hIbusfQXi?BwnQS3"
        "*7|5ctFao4!Ed-K(Z8MS&iuaDZ@%xF-"
        "C5_JPN!X6md*7WygysHu3xN`u8vfgn7V4T5LXgZ`>dR&Jn?`Hv5~juiQ1#)SSC?0S9hRx<bdaF;>qpr_&tNxsjRf7>0Ap)_iIObKq_du9PkWw*"
        "pgXsy=MfB9eJ*MSvKTB|Nmh5T+JkU*UjB{?#9K=$6Xb*@q;@_o4?fQ;Njt%FIE0qHct0lzw?<r-"
        "F$>x8?`Nbd39Q<?oL(g$?~y^D*7^s**^Z{xrcdMH!Pbmp4zc?YVX_P+*bn@DtvFCGotuX7V7G47Hb>a+e(VId+LiSo2xo4+s0d+i5%~4G_(JL_"
        "3{T+L(`CzyKCM;fA=8=A?d9_n}YHeXVKaKtY<zs?ES6+p+^u*t2(cA)3^<-2;QB!J+%4Hg$2Yq`*kL<>7(nthH+9Fiw7q9-RY#euByJ;-"
        "B_LcPld*iG<HB*&Nwh}%AHPC?`o`U+FoB*ojk;G<x39)aM^)2R1HU}8Z!w=H738cP}=pog-{%lJ-"
        "H%padBYE{r%{j$(l<?Hs8dP8|QzFI!jBi9ZRZCF<-g`V2uM*MXVS05)6$1n~zFhs8Y39i26+odllQAoRfJ6O;al`Dr#?UceKeqs)mT-"
        "Q1w6&<8=hha0q-<&6HKeD8~}<5=r2(PW?hL_EB$0m0AS897@1MA)%N-"
        "1uj}#&P92?7>B74q)}`{ynvp^nh}Fgm_^+u@D5ftOgJn@sZV5#JVb~(Q36!pOR*Hx)i4nul*gt{Lm}A!R2D7sNhScPH7szD0`cut6)HIS%{-"
        "6&#4tt8XpuGMktJx=MAh#%s43W;*bM3r!H7bt+CqXLh|4-"
        "7BujKz!C^&T+C!4z*JOFfib?el0VmLVLlK?CL`e;6!~|J_7MVJc6`%k|oiHE2PQuiHW_d*|23Yn9PQb)RG**RI^vZ<o<db!}R98Ed13}XZNY$t"
        "!22>5KS)~S{Ei?w)f^!S^5Q<@00TCM#Rj3p(g%S=g?ao@NQzHoBx+MNnF0<>BAnAS__CjA-Ss;Mg!Qoa`jKDcc0cwnRX(dsij0a$tR1-"
        "?Dtid6{2LWdYT%;AwpPeTAM$t~1N}y*JH$3*ou~)WybNSe*+lLBl&AD_(>Sq6>{os`~i?t7WwocF9bvp7_-"
        "+Qq;Ioy2jwa>@T)Hj_jn<>87F}gR=nm_ev_xgg~ZYzD>LJjOc-Bj6M7;<fRaJcY=SMSFoJ-"
        "YMFs`0k2{(W1odFL;D{6)=TaNF>zvp9X!LeH{*)wbi6v6Zj?dTY1q{n@P(A3kkAaf01~Z)6hZ^Bb*^-ghl@X+PY)_d9Gq{A4})7gta99s"
    ),
    "h264 in a transport stream": (
        "c-qxe-D_M$6rXE9Y$IwmDhLXhR(z-?n|p6|*SPIKH)*l~NeNin>dR&B+}XXC+>hD0lkTn!bpw466<?G-"
        "h*1=u)IvWL@gY!c#nJ~sA4<1cXeDha6-"
        "_Cv4=U@Kt(g7;N;?<M{mq$k&iu}qnN!}H=|!W<Pa@+hggQnC8Gp7Op6oN$PE16CSJyw!<(`0X)2h#no$B0Kqr4UMB6R5fE_Y-sqo)q9KGL~6Mt"
        "K^z-*c$1%l!gcMvrOn$l}z_yMTKMnfFdZ$<aPt_wxv~j`di`7%63t0UzkrFKb!#P|v6BiR^xaR-"
        "x5eoZK>bV7FfKuby8zG5}!hnoj54pT@5&UTRN%abVyKZa?wsZw<SU!-JS5l4Glo2RNAp)zH-RczG~~OFPG4&EpIf#uCvCc|~E{G=~Rm)7I9$Ql"
        "dCCRIk^wdjgLqA&s+%tPVBovVk&%T-"
        "H}n2zH53K@z7$%&1Elv9RP7GK@X$h6$S?R?#e)n8q}0rkt3K;iB2FtYI8+;`0VhXI((gV39V#6{I6QVr5Nm0)eBT!97Puw7|oWG_G=D6)^K<5>"
        "W?SEvzID!ypAT(iriW0>Ek!F@Xa0UQS|8Y-_->aD}GI0q%Vwoe6}tx)r1*oTO4oxgvu$R=xx;9V|?e8S2BtS<$5-"
        "yyF#xiDTK_hXoN;noAHXE<*}Npm)PrNt+H!B0&|*8I(y$8pIF+3?<bz6-gtWLcv@|Gyw-"
        "5u>n($3Z04TxB=BWd4UA(5Akk(bskiG<pN3skDY2Fz~Yutfcp$@LVRN9&3~X11u;x<%6QD#tRguRcNyr?N}l@QE}8Rh%6eTg!ej+UF4R}21`|+"
        "cO<dCn5i?r=D0JZNpEgM0Spccxg5+=@;IQCgz*#~pS_AGm2mQBi3htV|Ij99sg1@>SZRqsh_s7EC{Kex7A1u9<@jv<gqu<wD{jp}Bd2!Rp2gm0"
        ">i&kB?!_BX~@8-"
        "`<eLMB&4`+KA^<Q}DmyZ`Oo@hNy1}ZmBf4DbXfVY|#=zneyw>Jeb4^83m4J%Ed^v=d`wEyPY8@J3|dqaFae|g)_$+~lYy?OAv_O)%_q}z|r&9$"
        "HF-*w4p0r$e|(BU8G-G}akzIS_CJ7`8Xyp^<!_e#xmuiRJ~{rbxbn~%=_4a9?mf&"
    ),
    "hevc in MP4": (
        "c-muNV30{GsVvAW&d+6FU}6B#Kx~v-U}DI?z`&7Kl$r{pD|1s4OMtYs2IG2`8-"
        "FDVwr}6N_1m;V|8t$i=cX=Qn#UsN*AZglnqO>_!)4Ltd1U^=dFQn1t0Sj3PP(7`spZ?D|EGc46_^+=2!^*9Hl_T^-"
        "FfI8^Xs6z58HM;=f7*#x>o6m<=q6J8ZHLL2P*s9xDA-"
        "p7#Nu6<mTs>0Y!6i%Q8|JPyq7_AW^}<$N)kJz=)~}o$tVa7cc?Qv67<1Y#=+PBpYleGZxb-Fmw`QFUWrZV6IAPN=Y%0mPySiE<w@(G?xXcm&q<"
        "SB{LBeYPl)sem4Te4MXS=Fh@5dC8r1`Q<j;MimWmW$j|pk%uC5h1*u_tnVXrH24sko<$?`GcBV=SL{289C^ZeqQ9PwZISLRq<I3Waq#PjoU2#c"
        "q3X+<88L4H4ID!J?@c;%7Ank!u1v-%U{~t(}WRxX4Gctn0Z30+W?gPW0zdwF3Fz_=g08No_VB}%^{~x4)8Ki<4gyg2q;8X-"
        "ksyi_<qRA{UXmp(xmZ@^;SwjOz07&q(C;`>7yD%Os+M)!CC6T0(B50Jz=E7W4Tmp_RnA@4bDFvt&7z)VZAk1H!Qc?gCP!Ny+k{Zbft;`T5EKuc"
        "aP#SEM4A7`#G^3#E85DqWRme#ni0wfU2E=?2XC&t%>D2+^q|%fUQ0j@wO$E~+popAOfT^n}v7jIaIn;GCA<0p7Wl28BKv`h6PlUynPhwe`nUS6"
        "$5E&Q&07FWtZ~"
    ),
    "mpeg4 in AVI": (
        "c-rlm|4$QV9LJyQmEGZ>J&**H0{u1xvmjp$-"
        "^8}C3g{39I7b5E+YnX=6&znCg`)yuR5A=P%O(s68ED)r49IW<m^8z&AY|(n(`|B)H7r7GL&Dbvy63LwmYMwp+$+yL_xap&_x^nHY4iEvdESXvD"
        "r*h`AU_)~JRP5sy6gf#L0)N5c6nhz7yv+a8@z;Y1OVN&5&IL61?MF2DzsKB0YKTs(js^<TIGd#Wy-"
        "gcLjL_8t#e@4rnTj8vO!*~XF+xNeZDWWeHq^#4*?#4(Mo?cc0yX>DGwN%yXyx8<mCbu78Vv378Vv378Vv37M48)y+6Q304T{TE`p<AV-MGY-ls"
        "VT@9~MsGw~_PR37~-yFC9`kbfW?0YOZ)Hc<9o!@{yxJA{-AKygWVA-$6-"
        "XL<pmgAEiJyt?1Mg^LJ*{zem+M!EakVxZd(dq^(qAwgkG4*|&6fWY8wh{!7URCp*#2B@dpLxvWvun{|MRF{Co))q~Z7AQ(|)EQUK{^~1SIp9_0"
        "*2&_~_CLed(!vzQa^gHX?>P9_?JO46(G*-~2{%2~G<I3)jW>P0q1Z&-y%Anjyld`wxG7-qNizDK<6yJHuUdD5i-"
        "Rx<i|QMHFe_Nm9_?#tBtA2R3G8X;PonM6;dltv3unH;v#~#V^0_{K5`L!>-"
        "!|~qQ^a;hVkJqUy6=fAhu<30B_y$(zS#~bV(Yz9V>%~a(T1b**pF>T?(w(f9_LZ2cB##(wOlqyOC#{;6dug*#HzHgnY0-"
        "u#?+XWe=E|N>*FigC#&Rd=XQSBablHQtCrOJl(vzLgvNL=M^tB9Y2zVueDfFpI+e4?iC+sVhM4b&ak-Ny)Tq9|K@;Le^>V<k)lo^VVBHX-"
        "B}n4a<uErc+3-B(^Y>Hg%)MeKs+zAUYe=g<)avq@I+_?6p3xaHvC;0Uft2^wC+bjlxY8oCh^kJ9uep&H@2yGBlI+qmT-"
        ")T0XP%=n3Pd3t*Op;Q=9SxYO0{&w@Jyy+3e~_O%<qv(NQ|4mO}s&Qt=tUQAoRzq?^Z70#jtKJTo7q$Za{>*&DaPr&hb?FTiT^~F|6FwVRSS}d0"
        ">3QYh^K^hxm=L8;y%K6Yo_*osdbgVk&#qkSQAKZpIXzA7szzx-rsxE5bdU{?JWkX*5nMmf#A$^S#)^Yu#^_V$!%C8|XZm(y13U6|a3|>z{W*$B"
        "gO$K$kAtNvVQm#Hanl);9?dxg_v^15|ACa4oq0(<F!dSQ7fEZ25tXx1|+R)#&K(!@K%?rf`yw;hBCD<+UnJilU{Q-"
        "&zPxi0i17gnS{e`eP(5HH&HFL^Ap?_>|!FFY#$#vDIHfR%|A^<5^xiKVNncC{?Z01w1D>qvtqtCSgCiK!%bmT1qFinn&;Zc*A*Xr1}y7eV9Yt;"
        "W^D}<;FSyKfH8SLuHyN(%Sk9vVH`8o_v&_F~79yq@-"
        "fM_wt9`y?Z}ec$T?HM^NoXNY3iAM_>m0&H7F<g6nfod)GAR$!eeNSb9qRuc;uS`8#)WWN_}1{jYf+6y{Y11_1ks3jypWFm%6oaRQSF?R4;uuY*"
        "3F<KI=A`C9"
    ),
    "vp8 in WebM": (
        "c-oV4y}x+AQ(GgW({~{L)X3uWxsk)EsiizMDc7mJk;$pGkx3%BA)S!{1em7@`pz!d<-5B(cy)`Y=gPF;HH`})Jh6~<*+AY6-"
        "`zbxo>0i)^x!p3jM5OUOz>`?WD|448;Cg!kqoo~AXjbDy1ucQ-"
        "^szZq1Pv|EX~YF&k%?VjKUpJ`7WIu4sj4|Am{H}2X&q4^+v|xqaAj8FDLq)Jw1O;BZJb`InAYcDIJXrZLMMPVF4D+jf~2Vn_HNYq8J{uZD>r`)"
        "ffQs^Nr%-1<3~*(of8CUEJ>K=j`v|8syTBYHM-vrsM<N$q4h)Pb_p@+~E=$<QU@V@8{A!*}%XGjDQ*pAb>&Md0VLy)AL4##g3~R85kNqa5Kzh)"
        "Jk9oU|>4V(c0S4+S0+qJiB!Tljp3I8oNKK8?XO7zfpFA`J|VR*G|q|P`*pEURwX>jA_gcCw^G>t`z+-GeIfh<lkfL;T8hZ%0o3}+t-"
        ">EmNp%p#&`as|3fKvgJkZ@sS-"
        "6C82<fz*KkZbpY2%t`=1uSYOYOqKH>8s&o_1#COtf3CI9%LAd{Qdc@Og?1$;jzO(~3Fb(phODq1EZFS4;ban(1kC1R#adL}FXV!5NY=b8At1rY"
        ")w{%yB%Z@m3?G-"
        "1hwH%#`4(lZ#7|Gu==GF|fF;G~U}8~&c1*;#P%KxO5Z&^dFaS$O(z2yu8^<(hP)bfTxqs!qe^85(>m*T(u^jrq+pA$xV?!Ktam-"
        "G3DS%Zc_}Z{%|@(v_WDva0p+GVheUEv^To)+^34-NJS7=f1EKE+wIhszoee+xoT%s=s+P-"
        "8pOe`gu7wY7Rels*U@$UvhTlyH(DHwj8^+=PguDv~2j^e%*Tpv-"
        "D%X2MrA}n|{jPbJJ`t<DayF&9W@6C0p&sZk6k80ylR`^>qB3;&3+V_+;0GPiHaDw%zed(SBu_;6!dFhQ%uy88jF!GBa=sCNRjoy}&)w<=28O_l"
        "%0;t;~x({`Ksz_Iw{Ui{XX<!{Vilz{uPPQ7OS75$z`b(o1{)$5R&*RYFc{pK_bUq!q-#0Ln=dclU2@WZ2#X%&{Mv7%M(BG6Mh-<#rt"
    ),
    "vp9 in WebM": (
        "c-"
        "oV4y}x+AQ(GgW({~{L)X3uWxsk)EsiizMDc7mJk;$pGkx3%BA)S!{1eojueP@^K^4;AXyt+lyb7flan#P3?o><7bY#{H3@9rKTPblPYdhnViMr"
        "jCFCU`ecvWZFK4a6LVNCsK~kgGOnUEkQu@8say(Cd>}mS$$8X9z?FM&XXAe3#A+hd78fkn{JggSyW2dLv`;(T<OIvL5fc=YDBUBZJb`InAYcDI"
        "JXrZLMMPVF8xSjf~2Vn_HNYq8J{uZD>r`)ffQs^Nr%-1<3~*(of8CUEJ>K=j`v|8syTBYHM-vrsM<N$q4h)Pb_p@+~E=$<QU@V@8{A!*}%XGjD"
        "Q*pAb>&Md0VN&s^^Uii|;owFf=rIHajt}eqi|~V4)%-"
        "@r{AOAc27)e)101N&mlJnKnuK&?layZ|(oBIU4`_>Z!hs|EDweF??QoJo?0>4V*kWJnDZvQ)i#?6j!y}`t8^XyUpkSRb6?%OwhziJA+~I@<s*?"
        "hBgL=Niqh&Xksp4U`Wz)WSw-H(^%Q>s=k&*L*e1KrFTUb7SC>E2mmXbV-NvU2y{W%@<QWSHYY0w22hMo+}*#qkzsomFlBvgVyyVk$P55Y|Iao"
    ),
    "av1 in MP4": (
        "c-muNU{FXasVvAW&d+6FU}6B#iDd?cK-ws`z{HS&fq^5fC^Z#G_vfZ0mT++aS<I$CABUe|GIADRnA*@LVQ`?Kfob}Mb-"
        "`LLkxy)28{7SvpW4~x`Hv%JrOK6adW&~#Uv%SLden?PiiSByCZAtg^sVYe_a>8^f5$e2nixrGFfpi1@|3kc&?X|l!@yv`Fz5C2IOfXGcfXB94V"
        "YLsRT!))7#J8E8kiXv=G3hVZIEK@0J?!QH$T4&=$M?`vWyf46u|rfNK`N|GJp^QFrunL=Q}Xq1x!F>TvC*n4P?iZWP|Nw#$s9phE8JaO#tEmFj"
        "pltrKA{0%cSNMmmuk=K<H&$otu)G2xKVarl9-X2#DDjLXUtsx)~`sMKGDN%#>7Qm0>`BzDHtSN=_<B4P#htW?mYQAySqLHWb;JDk%^-"
        "nUtc`G$cpylosVEK-i38#U)8OK=!2KlHwF3HBF%Ogd-?G9uHvf0MZ^fRiFcj|NlW`Vws_HBLfcuEJZ#LKfnZXeNssgG}x3iAecd-"
        "xC9)eF!Pzgu?bWQbSbhp2+IJ)lF`JNp|k=}t_nGw0dXJ@8$;PZ^OEzC^cnzhQfW#FD5|1zQ^7O{C?ZD-"
        "Fe-}@3kq_Oy{MZBiF?(RCHWu&Wq~;_5f(T;iDhYKMtX)oWMBjUd6ASs"
    ),
}
