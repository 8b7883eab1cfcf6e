import java.io.*; import java.util.*; import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.*; import org.verapdf.pdfa.flavours.PDFAFlavour; import org.verapdf.pdfa.results.*;
public class VeraCheck { public static void main(String[] a) throws Exception {
  VeraGreenfieldFoundryProvider.initialise(); int bad=0;
  for (String name: a[0].split(",")) { PDFAFlavour fl=PDFAFlavour.fromString(name);
  for (int i=1;i<a.length;i++) try (PDFAParser p=Foundries.defaultInstance().createParser(new File(a[i]), fl)) {
    ValidationResult r=Foundries.defaultInstance().createValidator(fl,false).validate(p);
    System.out.println((r.isCompliant()?"PASS ":"FAIL ")+fl.getId()+" "+a[i]);
    for (TestAssertion x: r.getTestAssertions()) if (x.getStatus()==TestAssertion.Status.FAILED) System.out.println("  "+x.getRuleId().getClause()+"-"+x.getRuleId().getTestNumber()+" "+x.getMessage());
    if(!r.isCompliant()) bad++; } }
  System.exit(bad>0?1:0); } }
